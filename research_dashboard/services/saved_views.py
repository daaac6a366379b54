"""Saved views: filters of the record with a name."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from research_dashboard.base import fold, folded
from research_dashboard.extensions import writing
from research_dashboard.models import ReaderView, SavedView
from research_dashboard.one_line import is_one_line
from research_dashboard.queries.run_filter import RunFilter
from research_dashboard.services.audit import record

MOST_NAME, MOST_QUERY, MOST_VIEWS = 100, 4000, 200


class CannotSave(ValueError):
    """The view cannot be saved or found; the text says why and what would do."""


class NotYours(CannotSave):
    """The view is another's, to be replaced and removed by its author or an admin."""


class ThereIsOne(CannotSave):
    """The reader's own view has the name already: to be replaced only where he says so."""

    def __init__(self, view: SavedView) -> None:
        super().__init__(f"There is a view “{view.name}” already.")
        self.view_id, self.name = view.id, view.name


def save_view(name: str, query: str, author: str, owns: Callable[[str], bool], *, replaces: int | None = None) -> int:
    """Keep the filter under the name. A view of that name (in any case) keeps the new filter, where it is the one that
    `replaces` names and `owns` says so of who made it. Returns the view's id.

    Raises CannotSave, NotYours, ThereIsOne, and InvalidFilter with what is wrong in the filter.
    """
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not is_one_line(name):
        raise CannotSave(f"A view's name has 1 to {MOST_NAME} characters.")
    query = urlencode(RunFilter.parse(parse_qsl(query), also=("facets",)).params(page=None))
    if len(query) > MOST_QUERY:
        raise CannotSave(f"This filter is too long to be saved: at most {MOST_QUERY:,} characters.")
    with writing() as session:
        view = session.scalar(select(SavedView).where(folded(SavedView.name) == fold(name)))
        if view is None:
            if (session.scalar(select(func.count(SavedView.id))) or 0) >= MOST_VIEWS:
                raise CannotSave(f"There are {MOST_VIEWS} saved views already: remove one first.")
            view = SavedView(name=name, query=query, author=author)
            session.add(view)
        elif not owns(view.author):
            raise NotYours(f"There is a view “{view.name}”, which {view.author} made: choose another name.")
        elif view.id != replaces:
            raise ThereIsOne(view)
        before, view.query = view.query, query
        session.flush()
        record(session, "view.save", f"view {view.id}", before={"query": before}, after={"name": name, "query": query})
        return view.id


def remove_view(view_id: int, owns: Callable[[str], bool]) -> None:
    """Forget the view, where `owns` says so of who made it. Raises CannotSave, NotYours."""
    with writing() as session:
        view = _view(session, view_id)
        if not owns(view.author):
            raise NotYours(f"{view.author} made the view “{view.name}”: only {view.author} or an admin removes it.")
        record(session, "view.remove", f"view {view_id}", before={"name": view.name, "query": view.query})
        session.delete(view)


def pin_view(view_id: int, reader: str, pinned: bool) -> None:
    """Show the view on the reader's overview, or no longer. Raises CannotSave."""
    with writing() as session:
        use = _use(session, view_id, reader)
        record(session, "view.pin", f"view {view_id}", before=use.pinned, after=pinned)
        use.pinned = pinned


def default_view(view_id: int, reader: str, default: bool) -> None:
    """Open the record with this view for the reader, or with none. Raises CannotSave."""
    with writing() as session:
        use = _use(session, view_id, reader)
        record(session, "view.default", f"view {view_id}", before=use.is_default, after=default)
        session.execute(update(ReaderView).where(ReaderView.reader == reader).values(is_default=False))
        use.is_default = default


def _use(session: Session, view_id: int, reader: str) -> ReaderView:
    """What the reader uses the view for; a new row where they do not use it yet. Raises CannotSave."""
    _view(session, view_id)
    use = session.get(ReaderView, (reader, view_id))
    if use is None:
        use = ReaderView(reader=reader, view_id=view_id, is_default=False, pinned=False)
        session.add(use)
        session.flush()
    return use


def _view(session: Session, view_id: int) -> SavedView:
    view = session.get(SavedView, view_id)
    if view is None:
        raise CannotSave("There is no such view: it may have been removed.")
    return view
