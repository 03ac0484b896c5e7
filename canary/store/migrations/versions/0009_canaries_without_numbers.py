"""Canaries of tables without phones: no number, and the lot they were drawn from. What found files said."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
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
    op.create_table(
        "find",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sealed_copies", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    with op.batch_alter_table("canary") as batch_op:
        batch_op.alter_column("number_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("label", sa.String(length=12), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("canary") as batch_op:
        batch_op.drop_column("label")
        batch_op.alter_column("number_id", existing_type=sa.Integer(), nullable=False)
    op.drop_table("find")
    op.drop_table("lot")
