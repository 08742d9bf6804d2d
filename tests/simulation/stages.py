"""
The processes of the service, each a generator that does one durable thing between two yields.

So the schedule can stop one for ever at any of them (a crash), leave it standing while another takes over (a zombie),
or let two run in turn.  The code between the yields is the service's own: `Router`, `Joiner`, `PartitionState`.
"""

from __future__ import annotations

from collections.abc import Generator

from syncsvc.assembly.joiner import Joiner, barrier
from syncsvc.routing.router import Router
from syncsvc.writing.document import versioned
from tests.simulation.world import Fenced, Name, World

Process = Generator[None, None, None]


def start(world: World, name: Name) -> Process:
    """A new owner of a partition."""
    return joiner(world, name[1]) if name[0] == "joiner" else router(world, *name)


def router(world: World, table: str, partition: int) -> Process:
    """A router process: fold, send, sometimes commit; ends when it is fenced out or told to."""
    name = (table, partition)
    epoch, state = world.open(name)
    fence = world.fences[name]
    seq = kept = fence.seq
    offset = fence.offset
    log, end = world.sources[name], world.ends[name]
    stage = Router(
        world.plan, table, f"shop.{table}", partition,
        sender=world.senders.router(table, partition), end=end, state=state,
    )  # fmt: skip
    while name not in world.revoked:
        batch = log[offset : offset + world.rng.randint(1, 4)]
        offset += len(batch)
        stage.fold(batch)
        stage.passed(offset)
        yield from world.append(stage.outbox.take())
        if (world.rng.random() < 0.5 and offset != world.fences[name].offset) or (not batch and kept == seq):
            try:
                yield from world.commit(name, epoch, seq, offset, state)
            except Fenced:
                return
            seq += 1
            tally = stage.take_tally()
            world.tally["consumed"] += sum(tally.consumed.values())
            world.tally["applied"] += tally.applied
            world.tally["skipped"] += sum(tally.skipped.values())
            world.tally["parked"] += tally.parked
            world.parked += [record.place for record in stage.take_parked()]
        if stage.sweep is not None:
            yield from _swept(world, stage, table)
        yield
    state.close()


def _swept(world: World, stage: Router, table: str) -> Process:
    """A table was read again: what was not found goes, once all that was found is on its way."""
    stamped = stage.sweep
    assert stamped is not None
    ends = world.noticed.setdefault((table, stamped), {
        name: len(log) for name, log in world.sources.items() if name[0] == table
    })  # fmt: skip
    if all(name in world.fences and world.fences[name].offset >= end for name, end in ends.items()):
        sent = barrier(world.plan.tables.index(table), stamped)
        yield from world.append({number: [sent] for number in range(len(world.keyed))})
        stage.swept(stamped)


def joiner(world: World, partition: int) -> Process:
    """A joiner process: one step is fold, send, commit with the documents that are due."""
    name = ("joiner", partition)
    epoch, state = world.open(name)
    seq, offset = world.fences[name].seq, world.fences[name].offset
    log = world.keyed[partition]
    stage = Joiner(world.plan, partition, world.senders, state)
    now = 0
    while name not in world.revoked:
        batch = log[offset : offset + world.rng.randint(1, 5)]
        now += world.rng.choice(world.pauses_ms)
        at = stage.agenda.next_due()
        if not batch and not stage.agenda.busy and (at is None or at > now):
            yield
            continue
        stage.fold(batch)
        offset += len(batch)
        yield from world.append(stage.outbox.take())
        due = stage.agenda.take(now, behind=world.rng.random() < 0.2)
        problems = [rendered.problem or "" for rendered in due.parked]
        assert all(problem.startswith("row.unreadable") for problem in problems), problems
        written = []
        for rendered in (*due.documents, *due.fresh):
            assert rendered.identity is not None
            body = None if rendered.elements is None else versioned(rendered.elements, 1, offset, 0)
            written.append((world.plan.views[rendered.address[0]].collection, rendered.identity, body))
        try:
            yield from world.commit(name, epoch, seq, offset, state, written)
        except Fenced:
            return
        seq += 1
        yield
    state.close()
