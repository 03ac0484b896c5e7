"""Canaries of tables without phones: no number, and the lot their personas were drawn from."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lot",
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("sealed_rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["placement_id"], ["placement.id"]),
        sa.PrimaryKeyConstraint("placement_id"),
    )
    with op.batch_alter_table("canary") as batch_op:
        batch_op.alter_column("number_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("label", sa.String(length=12), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("canary") as batch_op:
        batch_op.drop_column("label")
        batch_op.alter_column("number_id", existing_type=sa.Integer(), nullable=False)
    op.drop_table("lot")
