"""The drivers where they are used bare: what each hands to its database is a call, as with SQLAlchemy above it."""
