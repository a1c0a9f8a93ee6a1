"""Models that entries name but the platform does not offer, so that it would refuse to write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from halo_iac.hints import Command, Hint
from halo_iac.model.plan import Blocked, Change, Match, PlanWarning
from halo_iac.model.project import Entry, Source
from halo_iac.model.remote import ModelCatalog
from halo_iac.model.schedule import Value

Catalogs = Mapping[str, ModelCatalog]
"""The catalog of each field in which an entry names a model."""


def refused_model(change: Change, entry: Entry, catalogs: Catalogs) -> Blocked | None:
    """Return why a change is blocked; ``None`` unless it writes a model that the platform does not offer."""
    for field in change.fields:
        catalog = catalogs.get(field.field)
        if catalog is not None and is_missing(field.after, catalog):
            origin = entry.origins.of(field.field)
            layer = "" if origin.source is Source.ENTRY else f", which `{origin.source}` declares"
            reason = f"the platform does not offer {field.field} {field.after!r}{layer}"
            ids = (change.id,) if change.id else ()
            return Blocked(entry.key, reason, _hint(field.field, str(field.after), catalog), change.origin, ids)
    return None


def is_missing(model: Value, catalog: ModelCatalog) -> bool:
    """Return whether the platform is known not to offer a model."""
    return model is not None and catalog.gap is None and model not in catalog.names


def _hint(field: str, model: str, catalog: ModelCatalog) -> str:
    known = {id_.lower(): id_ for id_ in catalog.names} | {name.lower(): id_ for id_, name in catalog.names.items()}
    near = dict.fromkeys(known[each] for each in get_close_matches(model.lower(), known, n=3, cutoff=0.5))
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    options = ("--summarization",) if field == "summarization_model_id" else ()
    return Hint("run `{}` to see the models", Command("model", "list", *options))


def model_warnings(pairs: Iterable[Match], blocked: Iterable[Blocked], catalogs: Catalogs) -> Iterator[PlanWarning]:
    """Yield warnings about missing models that no change writes now, once for each model and list."""
    refused = {entry.key for entry in blocked}
    specs = {pair.entry.key: pair.spec for pair in pairs if pair.spec is not None and pair.entry.key not in refused}
    for field, catalog in catalogs.items():
        if catalog.gap is not None:
            yield PlanWarning(f"whether the platform offers each {field} could not be checked: {catalog.gap}")
            continue
        keys: defaultdict[str, list[str]] = defaultdict(list)
        for key, spec in specs.items():
            model = getattr(spec, field)
            if is_missing(model, catalog):
                keys[model].append(key)
        for model, holders in keys.items():
            where = "one schedule keeps it" if len(holders) == 1 else f"{len(holders):,} schedules keep it"
            message = f"the platform no longer offers {field} {model!r}; {where} until it is changed"
            yield PlanWarning(message, holders[0] if len(holders) == 1 else None)
