"""The tables: destinations and the bookings to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, on databases that keep the time zone and on those that drop it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the value back as an aware datetime in UTC."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share."""


class Destination(Base):
    """A place that can be booked, and how many seats it has left."""

    __tablename__ = "destinations"
    __table_args__ = (CheckConstraint("seats_left >= 0"),)

    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(String(20), index=True)
    description: Mapped[str] = mapped_column(String(200))
    seats_left: Mapped[int]

    def as_json(self, fare: dict[str, Any] | None) -> dict[str, Any]:
        """The destination as the API shows it, with the live `fare` of one seat."""
        return {
            "slug": self.slug,
            "name": self.name,
            "body": self.body,
            "description": self.description,
            "seats_left": self.seats_left,
            "fare": fare,
        }


class Booking(Base):
    """Seats that a traveller has paid for; `authorisation` is the payment's id at the suppliers."""

    __tablename__ = "bookings"
    __table_args__ = (Index("bookings_of_traveller", "traveller", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    traveller: Mapped[str] = mapped_column(String(80))
    destination: Mapped[str] = mapped_column(ForeignKey("destinations.slug"))
    seats: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    authorisation: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(20), default="confirmed")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, Any]:
        """The booking as the API shows it."""
        return {
            "id": self.id,
            "traveller": self.traveller,
            "destination": self.destination,
            "seats": self.seats,
            "price": {"amount": self.amount, "currency": self.currency},
            "status": self.status,
            "created_at": self.created_at.isoformat(),
        }
