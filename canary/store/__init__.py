"""SQLAlchemy tables, every query and transaction, migrations, encryption of fields."""
