"""Accounts: who may sign in, with which password, token or link; and who is behind a request."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from research_dashboard import peek
from research_dashboard.base import utcnow
from research_dashboard.extensions import reading, writing
from research_dashboard.one_line import is_one_line
from research_dashboard.services.audit import record
from research_dashboard.services.passwords import PASSWORD_LENGTHS, why_not
from research_dashboard.tables.accounts import USER_NAME_LENGTH, ApiToken, Role, Scope, ShareLink, SignIn, User

TOKEN_DAYS, TOKEN_LABEL_LENGTH = (1, 366), 100
MOST_TOKENS, MOST_LINKS = 50, 50  # in use, of a user; open, to a run
SHARE_DAYS = (1, 90)
ABSOLUTE_LIFETIME = timedelta(days=7)
IDLE_LIFETIME = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # how often a sign-in's or token's last use is written down
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]*")
# Checked when there is no such user, so that the answer takes the same time: the hash of a password nobody has.
_NOBODY = (
    "scrypt:32768:8:1$ZUzrLQ1bMhif8cvf$"
    "c2d392b7bd9c120bb631ed0d1288bc96af871d1de3a1fead923adbae6cc35ab5"
    "d6c40e7af2e1d9c5d3bd9676b65a5d583e1cfd8a3e5d5047c2fcdcc82d4bf6dd"
)


class AccountError(ValueError):
    """A value for an account that cannot be taken; `field` names it, the text says what is wrong and what would do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is behind a request, and what they may do."""

    name: str
    role: Role
    user_id: int | None = None
    token_id: int | None = None  # set when a bearer token speaks
    token_of: str | None = None  # and whose it is
    scope: str | None = None  # and its scope

    @property
    def person(self) -> str:
        """The user's name, also when a token of theirs speaks."""
        return self.token_of or self.name

    @property
    def reach(self) -> str:
        """How far they reach, in words: a token as far as its scope and its user's role both do."""
        if self.scope:
            return f"the token {self.name} has the scope {self.scope} and reaches as far as the role {self.role}"
        return f"{self.name} has the role {self.role}"

    def may(self, role: Role) -> bool:
        """True when the actor's role reaches as far."""
        return self.role.rank >= role.rank


def person_of(name: str) -> str:
    """The user behind an actor's name, also when it is a token's: a user's name has no space. See `bearer`."""
    return name.partition(" (")[0] if has_accounts() else name


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def has_accounts() -> bool:
    """True once a user was ever added: then nobody gets in without signing in, not even when all are disabled."""
    return bool(peek.rows("SELECT EXISTS (SELECT 1 FROM users)")[0][0])


def users() -> list[User]:
    """Every user, by name."""
    with reading() as session:
        return list(session.scalars(select(User).order_by(User.name)))


def add_user(name: str, password: str, role: str) -> User:
    """Add a user. Raises AccountError for a name, password or role that cannot be taken."""
    name = _name(name)
    user = User(name=name, password_hash=hashed(password, name), role=_role(role).value)
    try:
        with writing() as session:
            session.add(user)
            record(session, "user.add", f"user {user.name}", after={"role": user.role})
    except IntegrityError:
        raise AccountError("name", f"There is a user {user.name} already.") from None
    return user


def set_password(name: str, password: str, *, revoke: bool = False) -> None:
    """Give a user a new password and sign them out everywhere; `revoke` ends their API tokens and shared links, too.

    Raises AccountError.
    """
    kept = hashed(password, name)
    with writing() as session:
        user = _user(session.scalar(select(User).where(User.name == name.strip().lower())), name)
        user.password_hash = kept
        record(session, "user.password", f"user {user.name}", after={"tokens and links": "revoked"} if revoke else None)
        session.execute(delete(SignIn).where(SignIn.user_id == user.id))
        if revoke:
            _revoke_all(session, user)


def set_role(name: str, role: str) -> None:
    """Give a user another role, at once for their sign-ins and tokens, too. Raises AccountError."""
    wanted = _role(role).value
    with writing() as session:
        user = _user(session.scalar(select(User).where(User.name == name.strip().lower())), name)
        record(session, "user.role", f"user {user.name}", before={"role": user.role}, after={"role": wanted})
        user.role = wanted


def _revoke_all(session: Session, user: User) -> None:
    """End the user's tokens, and close the links that they shared."""
    for kind, theirs in ((ApiToken, ApiToken.user_id == user.id), (ShareLink, ShareLink.created_by == user.name)):
        session.execute(update(kind).where(theirs, kind.revoked_at.is_(None)).values(revoked_at=utcnow()))


def disable_user(name: str) -> None:
    """Let a user in no more: sign-ins end, tokens are revoked, links that they shared closed; what they did stays.

    Raises AccountError.
    """
    with writing() as session:
        user = _user(session.scalar(select(User).where(User.name == name.strip().lower())), name)
        user.disabled_at = user.disabled_at or utcnow()
        record(session, "user.disable", f"user {user.name}")
        session.execute(delete(SignIn).where(SignIn.user_id == user.id))
        _revoke_all(session, user)


def enable_user(name: str) -> None:
    """Let a disabled user in again, with new tokens only. Raises AccountError."""
    with writing() as session:
        user = _user(session.scalar(select(User).where(User.name == name.strip().lower())), name)
        user.disabled_at = None
        record(session, "user.enable", f"user {user.name}")


def sign_in(name: str, password: str, address: str | None, browser: str | None) -> str | None:
    """The token of a new sign-in, or None: wrong name, wrong password and disabled look and take alike.

    Both are written down; not a name that nobody has, for people type passwords there.
    """
    with reading() as session:
        user = session.scalar(select(User).where(User.name == name.strip().lower()[:USER_NAME_LENGTH]))
    right = check_password_hash(user.password_hash if user else _NOBODY, password[: PASSWORD_LENGTHS[1]])
    if user is None or not right or user.disabled_at is not None:
        reason = "no such user" if user is None else "disabled" if right else "wrong password"
        with writing() as session:
            subject = f"user {user.name}" if user else "user unknown"
            record(session, "sign_in.refused", subject, after={"reason": reason})
        return None
    token = secrets.token_urlsafe(32)
    with writing() as session:
        session.execute(delete(SignIn).where(SignIn.created_at < utcnow() - ABSOLUTE_LIFETIME))
        session.add(
            SignIn(token_sha256=digest(token), user_id=user.id, address=address, browser=(browser or "")[:200] or None)
        )
        record(session, "sign_in", f"user {user.name}", after={"browser": (browser or "")[:200]}, actor=user.name)
    return token


def slowed_down(name: str, rates: str, by: str) -> None:
    """Write down that guessing has used its rate up. Once each time, not for each guess: they would fill the audit."""
    with writing() as session:
        user = session.scalar(select(User).where(User.name == name))
        subject = f"user {user.name}" if user else "user unknown"
        record(session, "sign_in.slowed_down", subject, after={"rates": rates, "counted": by})


def signed_in(token: str) -> Actor | None:
    """Who holds a sign-in's token, while it is neither too old nor idle for too long."""
    now = utcnow()
    with reading() as session:
        row = session.execute(
            select(SignIn, User).join(User).where(SignIn.token_sha256 == digest(token), User.disabled_at.is_(None))
        ).one_or_none()
    if row is None:
        return None
    found, user = row
    if now - found.created_at > ABSOLUTE_LIFETIME or now - found.last_seen_at > IDLE_LIFETIME:
        return None
    if now - found.last_seen_at > SEEN_EVERY:
        with writing() as session:
            session.execute(update(SignIn).where(SignIn.id == found.id).values(last_seen_at=now))
    return Actor(user.name, Role(user.role), user_id=user.id)


def sign_out(token: str, *, everywhere: bool = False) -> None:
    """End a sign-in, or every sign-in of its user."""
    with writing() as session:
        user = session.scalar(select(User).join(SignIn).where(SignIn.token_sha256 == digest(token)))
        if user is None:
            return
        where = SignIn.user_id == user.id if everywhere else SignIn.token_sha256 == digest(token)
        ended = session.execute(delete(SignIn).where(where).returning(SignIn.id)).all()
        record(session, "sign_out", f"user {user.name}", after={"everywhere": everywhere, "ended": len(ended)})


def add_token(user_name: str, token_name: str, scope: str, days: int) -> tuple[str, ApiToken]:
    """A new API token, in full this once, and its row. Raises AccountError."""
    token_name = _label(token_name)
    if scope not in list(Scope):
        raise AccountError("scope", f"{scope!r} is no scope: choose {', '.join(Scope)}.")
    expires_at = _expiry(days, TOKEN_DAYS)
    secret = "rd_" + secrets.token_urlsafe(32)
    with writing() as session:
        user = _user(session.scalar(select(User).where(User.name == user_name.strip().lower())), user_name)
        live = (ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > utcnow())
        if (session.scalar(select(func.count(ApiToken.id)).where(*live)) or 0) >= MOST_TOKENS:
            raise AccountError("name", f"{user.name} has {MOST_TOKENS} tokens in use: revoke one first.")
        token = ApiToken(
            user_id=user.id,
            name=token_name,
            prefix=secret[:9],
            token_sha256=digest(secret),
            scope=scope,
            expires_at=expires_at,
        )
        session.add(token)
        made = {"name": token.name, "prefix": token.prefix, "scope": scope, "expires_at": expires_at}
        record(session, "token.add", f"user {user.name}", after=made)
    return secret, token


def tokens(user_id: int | None = None) -> list[ApiToken]:
    """The tokens of a user, or of all, newest first, revoked ones included."""
    query = select(ApiToken).order_by(ApiToken.id.desc())
    with reading() as session:
        return list(session.scalars(query if user_id is None else query.where(ApiToken.user_id == user_id)))


def revoke_token(token_id: int, user_id: int | None = None) -> bool:
    """Revoke a token (of the given user only, when one is given); False when there is none to revoke."""
    query = update(ApiToken).where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None)).returning(ApiToken.id)
    with writing() as session:
        query = query if user_id is None else query.where(ApiToken.user_id == user_id)
        revoked = session.scalar(query.values(revoked_at=utcnow())) is not None
        if revoked:
            record(session, "token.revoke", f"token {token_id}")
        return revoked


def bearer(secret: str) -> Actor | None:
    """Who a bearer token speaks for: its user, with the lesser of the user's role and the token's scope."""
    now = utcnow()
    with reading() as session:
        row = session.execute(
            select(ApiToken, User)
            .join(User)
            .where(
                ApiToken.token_sha256 == digest(secret),
                ApiToken.revoked_at.is_(None),
                ApiToken.expires_at > now,
                User.disabled_at.is_(None),
            )
        ).one_or_none()
    if row is None:
        return None
    token, user = row
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        with writing() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_at=now))
    role = min(Role(user.role), Scope(token.scope).role, key=lambda r: r.rank)
    return Actor(f"{user.name} ({token.name})", role, user.id, token.id, user.name, token.scope)


def share(run_id: int, days: int, actor: Actor) -> str:
    """A new token of a link to one report. Raises AccountError for days out of bounds and for a run that is not."""
    token = secrets.token_urlsafe(32)
    link = ShareLink(
        research_run_id=run_id,
        token_sha256=digest(token),
        created_by=actor.name,
        expires_at=_expiry(days, SHARE_DAYS),
    )
    try:
        with writing() as session:
            opening = (ShareLink.research_run_id == run_id, ShareLink.revoked_at.is_(None))
            opened = select(func.count(ShareLink.id)).where(*opening, ShareLink.expires_at > utcnow())
            if (session.scalar(opened) or 0) >= MOST_LINKS:
                raise AccountError("links", f"Run {run_id} has {MOST_LINKS} open links: close one first.")
            session.add(link)
            record(session, "share.add", f"run {run_id}", after={"expires_at": link.expires_at})
    except IntegrityError:
        raise AccountError("run", f"There is no run {run_id} to share.") from None
    return token


def shared_run(token: str) -> int | None:
    """The id of the run that a link's token opens, while it is neither expired nor revoked."""
    with reading() as session:
        return session.scalar(
            select(ShareLink.research_run_id).where(
                ShareLink.token_sha256 == digest(token),
                ShareLink.revoked_at.is_(None),
                ShareLink.expires_at > utcnow(),
            )
        )


def share_links(run_id: int) -> list[ShareLink]:
    """The links that still open a run's report, newest first."""
    with reading() as session:
        return list(
            session.scalars(
                select(ShareLink)
                .where(
                    ShareLink.research_run_id == run_id,
                    ShareLink.revoked_at.is_(None),
                    ShareLink.expires_at > utcnow(),
                )
                .order_by(ShareLink.id.desc())
            )
        )


def revoke_share(run_id: int, link_id: int) -> bool:
    """Close a link to a run's report; False when there is none to close."""
    with writing() as session:
        query = update(ShareLink).where(
            ShareLink.id == link_id, ShareLink.research_run_id == run_id, ShareLink.revoked_at.is_(None)
        )
        closed = session.scalar(query.values(revoked_at=utcnow()).returning(ShareLink.id)) is not None
        if closed:
            record(session, "share.revoke", f"run {run_id}", before={"link": link_id})
        return closed


def _name(name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or len(name) > USER_NAME_LENGTH:
        raise AccountError(
            "name",
            f"A user's name has 1 to {USER_NAME_LENGTH} letters, digits, dots, dashes or @, "
            "and starts with a letter or digit.",
        )
    return name


def _label(label: str) -> str:
    label = label.strip()  # in parentheses behind its user's name (`bearer`): with some it could name another user
    if not 1 <= len(label) <= TOKEN_LABEL_LENGTH or not is_one_line(label) or set("()") & set(label):
        raise AccountError(
            "label", f"Name it in 1 to {TOKEN_LABEL_LENGTH} characters, no parentheses or control characters."
        )
    return label


def hashed(password: str, name: str) -> str:
    """The hash of a user's new password. Raises AccountError for one that is too short, too long or easily guessed."""
    if why := why_not(password, name):
        raise AccountError("password", why)
    return generate_password_hash(password)


def _role(role: str) -> Role:
    if role not in list(Role):
        raise AccountError("role", f"{role!r} is no role: choose {', '.join(Role)}.")
    return Role(role)


def _expiry(days: int, bounds: tuple[int, int]) -> datetime:
    low, high = bounds
    if not low <= days <= high:
        raise AccountError("days", f"It can last {low} to {high} days; {days} were asked for.")
    return utcnow() + timedelta(days=days)


def _user(user: User | None, name: str) -> User:
    if user is None:
        raise AccountError("name", f"There is no user {name.strip().lower()}; `flask users list` shows who there is.")
    return user
