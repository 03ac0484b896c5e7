"""Note when a caller or an entry of the calendar was taken off the list."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("allowed", "permitted"):
        op.add_column(table, sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table in ("permitted", "allowed"):
        op.drop_column(table, "removed_at")
