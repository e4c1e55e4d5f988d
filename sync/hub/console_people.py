"""People at HQ: who they are, what they may, and their sessions in the console.

A password is kept as argon2id. Five wrong ones make the person wait (30 s, 2 min, 10 min), never
for ever. A session is 32 random bytes in a cookie, kept as a hash; it ends after half an hour
without a click and after twelve hours in any case. Every form carries the session's own key.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from pydantic import Field
from sqlalchemy import delete, insert, select, update

from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, missing
from sync.hub.stores import Json
from sync.hub.tables_console import hq_person, hq_session

Role = Literal["viewer", "operator", "manager"]
ROLES: tuple[Role, ...] = get_args(Role)
IDLE_MS = 30 * 60_000
LONGEST_MS = 12 * 3_600_000
FREE_TRIES = 5
WAITS_MS = (30_000, 120_000, 600_000)
MIN_PASSWORD = 10
_PASSWORDS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY_HASH = _PASSWORDS.hash("nobody has this password")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHqPerson:
    """Somebody at HQ. viewer: reads. operator: orders and cases. manager: boxes and recalls too."""

    login: Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{1,31}$")]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role
    password: Annotated[str, Field(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is there; form_key goes into every form."""

    login: str
    name: str
    role: Role
    form_key: str

    def may(self, role: Role) -> bool:
        """Whether this person's role is at least that one."""
        return ROLES.index(self.role) >= ROLES.index(role)


def put_person(hub: Hub, new: NewHqPerson) -> Json:
    """Write somebody down, or change them; their sessions end."""
    if len(new.password) < MIN_PASSWORD:
        raise invalid(f"A password has at least {MIN_PASSWORD} characters.")
    values: Json = {
        "name": new.name,
        "role": new.role,
        "password_hash": _PASSWORDS.hash(new.password),
        "active": True,
        "failures": 0,
        "not_before_ms": 0,
    }
    with hub.database.writing() as connection:
        done = connection.execute(
            update(hq_person).where(hq_person.c.login == new.login).values(**values)
        )
        if done.rowcount == 0:
            connection.execute(
                insert(hq_person).values(login=new.login, created_ms=hub.clock.now_ms(), **values)
            )
        connection.execute(delete(hq_session).where(hq_session.c.login == new.login))
    return {"login": new.login, "name": new.name, "role": new.role}


def end_person(hub: Hub, login: str) -> Json:
    """Let somebody in no more."""
    with hub.database.writing() as connection:
        done = connection.execute(
            update(hq_person).where(hq_person.c.login == login).values(active=False)
        )
        if done.rowcount == 0:
            raise missing(f"person {login}")
        connection.execute(delete(hq_session).where(hq_session.c.login == login))
    return {"login": login, "active": False}


def list_people(hub: Hub) -> list[Json]:
    """Who may log in."""
    with hub.database.reading() as connection:
        rows = connection.execute(select(hq_person).order_by(hq_person.c.login))
        return [
            {"login": row.login, "name": row.name, "role": row.role, "active": row.active}
            for row in rows
        ]


def log_in(hub: Hub, login: str, password: str) -> str:
    """The cookie of a fresh session.

    Raises:
        Problem: 401 `wrong`; 429 `wait` with the seconds, whoever it is.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        row = connection.execute(select(hq_person).where(hq_person.c.login == login)).first()
    if row is not None and row.not_before_ms > now_ms:
        left_s = -(-(row.not_before_ms - now_ms) // 1000)
        raise Problem(
            status=429, code="wait", detail=f"Wait {left_s} s.", extra={"retry_after_s": left_s}
        )
    known = row is not None and bool(row.active)
    right = _is_right(row.password_hash if row is not None else _NOBODY_HASH, password)
    if row is None or not (known and right):
        if row is not None:
            _count_wrong(hub, login, now_ms)
        raise Problem(status=401, code="wrong", detail="This name and password do not fit.")
    cookie = secrets.token_urlsafe(32)
    with hub.database.writing() as connection:
        connection.execute(
            update(hq_person).where(hq_person.c.login == login).values(failures=0, not_before_ms=0)
        )
        connection.execute(delete(hq_session).where(hq_session.c.began_ms < now_ms - LONGEST_MS))
        connection.execute(
            insert(hq_session).values(
                token_hash=_hash(cookie),
                login=login,
                form_key=secrets.token_urlsafe(16),
                began_ms=now_ms,
                seen_ms=now_ms,
            )
        )
    return cookie


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return _PASSWORDS.verify(password_hash, password)
    except VerificationError:
        return False


def _count_wrong(hub: Hub, login: str, now_ms: int) -> None:
    with hub.database.writing() as connection:
        failures: int = connection.execute(
            update(hq_person)
            .where(hq_person.c.login == login)
            .values(failures=hq_person.c.failures + 1)
            .returning(hq_person.c.failures)
        ).scalar_one()
        over = failures - FREE_TRIES
        if over >= 0:
            wait_ms = WAITS_MS[min(over, len(WAITS_MS) - 1)]
            connection.execute(
                update(hq_person)
                .where(hq_person.c.login == login)
                .values(not_before_ms=now_ms + wait_ms)
            )


def session(hub: Hub, cookie: str | None) -> Session | None:
    """Whose cookie this is, while the session lives; a click keeps it alive."""
    if not cookie:
        return None
    now_ms = hub.clock.now_ms()
    mine = hq_session.c.token_hash == _hash(cookie)
    with hub.database.reading() as connection:
        row = connection.execute(
            select(hq_session, hq_person.c.name, hq_person.c.role, hq_person.c.active)
            .join(hq_person, hq_person.c.login == hq_session.c.login)
            .where(mine)
        ).first()
    if row is None or not row.active:
        return None
    if now_ms - row.seen_ms > IDLE_MS or now_ms - row.began_ms > LONGEST_MS:
        return None
    if now_ms - row.seen_ms > 60_000:
        with hub.database.writing() as connection:
            connection.execute(update(hq_session).where(mine).values(seen_ms=now_ms))
    return Session(login=row.login, name=row.name, role=row.role, form_key=row.form_key)


def log_out(hub: Hub, cookie: str | None) -> None:
    """End a session."""
    if cookie:
        with hub.database.writing() as connection:
            connection.execute(delete(hq_session).where(hq_session.c.token_hash == _hash(cookie)))


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(b"storeedge/console-session/1\0" + cookie.encode()).digest()
