"""Changing one's own password, from the page of one's account."""

from sqlalchemy import delete, select, update
from werkzeug.security import check_password_hash

from research_dashboard.extensions import reading, writing
from research_dashboard.services.accounts import AccountError, digest, hashed
from research_dashboard.services.audit import note, record
from research_dashboard.services.passwords import PASSWORD_LENGTHS
from research_dashboard.tables.accounts import SignIn, User


def change_password(name: str, current: str, password: str, token: str) -> None:
    """Give a user the new password that they chose; their other sign-ins end, that of the token stays.

    Raises AccountError, for the field `current` where that is not their password.
    """
    with reading() as session:
        user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise AccountError("name", f"There is no user {name} any more.")
    if not check_password_hash(user.password_hash, current[: PASSWORD_LENGTHS[1]]):
        note("password.refused", f"user {user.name}", after={"reason": "wrong password"})
        raise AccountError("current", "That is not your password.")
    kept = hashed(password, name)
    with writing() as session:
        session.execute(update(User).where(User.id == user.id).values(password_hash=kept))
        others = delete(SignIn).where(SignIn.user_id == user.id, SignIn.token_sha256 != digest(token))
        ended = session.execute(others.returning(SignIn.id)).all()
        record(session, "user.password", f"user {user.name}", after={"other sign-ins ended": len(ended)})
