"""The pool on a pretended cluster: who gets tasks, what is asked for, what becomes of those that are lost."""

from __future__ import annotations

from collections import Counter

import pytest
from pretended import Actor, Pretended, Ran

from sweep.errors import SweepError
from sweep.grid.resources import Resources
from sweep.planning.plan import Task
from sweep.run.executors.messages import Gone, Message

ONE, TWO = {"CPU": 1.0}, {"CPU": 2.0}


def tasks(number: int, stage: str = "narrow", cpus: int = 1, gpus: float = 0) -> list[Task]:
    return [Task(stage, range(cell, cell + 1), Resources(cpus, gpus)) for cell in range(number)]


def test_all_is_done_by_as_many_as_there_is_room_for() -> None:
    cluster = Pretended({"a": TWO})
    ran = Ran(cluster, tasks(10), 2, own=True)
    assert len(ran.done) == 10
    assert (cluster.started, cluster.most) == (2, 2.0)
    assert ran.seconds < 1 + 5 * 5 + 2


def test_few_tasks_start_few_actors() -> None:
    cluster = Pretended({"a": {"CPU": 64.0}})
    assert len(Ran(cluster, tasks(3), 64, own=True).done) == 3
    assert cluster.started == 3


def test_where_they_are_is_asked_of_few_at_a_time_and_of_all_in_turn() -> None:
    cluster = Pretended({"a": {"CPU": 200.0}}, seconds=10.0)
    asked = Counter[int]()
    at, ask = [], cluster.ask

    def note(actor: Actor) -> None:
        at.append(round(cluster.now, 1))
        asked[cluster.actors.index(actor)] += 1
        ask(actor)

    cluster.ask = note
    assert len(Ran(cluster, tasks(400), 200, own=True).done) == 400
    assert max(Counter(at).values()) == 10
    assert len(asked) == 200
    assert max(asked.values()) - min(asked.values()) <= 2


@pytest.mark.parametrize("workers", [1, 3])
def test_never_more_than_asked_for(workers: int) -> None:
    cluster = Pretended({"a": TWO, "b": TWO})
    assert len(Ran(cluster, tasks(12), workers).done) == 12
    assert cluster.most == workers


def test_a_few_stay_pending_as_demand_and_are_withdrawn() -> None:
    cluster = Pretended({"a": ONE})
    cluster.at.append((20.0, lambda: counts.append(sum(not actor.node for actor in cluster.actors))))
    counts: list[int] = []
    Ran(cluster, [*tasks(8), *tasks(1, "later")])
    assert counts == [2]


def test_more_workers_than_cores_do_not_hold_it_up() -> None:
    cluster = Pretended({"a": ONE})
    ran = Ran(cluster, tasks(6), 4)
    assert len(ran.done) == 6
    assert ran.said == []


def test_the_next_task_is_computed_while_the_last_one_is_written() -> None:
    """Would catch: a worker that idles while it writes, or one that is let go before it has."""
    cluster = Pretended({"a": ONE}, commit=4.0)
    ran = Ran(cluster, tasks(6), 1, own=True)
    assert len(ran.done) == 6
    assert 6 * 5 + 4 < ran.seconds < 6 * 5 + 4 + 4


def test_who_dies_may_have_died_of_what_it_computed_or_of_what_it_wrote() -> None:
    """Else a task whose results kill who writes them would be begun again for ever, and others be blamed."""
    cluster = Pretended({"a": ONE}, commit=4.0)
    hear, first, second = cluster._heard, *tasks(2)

    def heard(actor: Actor) -> Message | None:
        return Gone(actor, "killed") if actor.committing and actor.tasks and not killed else hear(actor)

    killed: list[Actor] = []
    cluster._heard = heard
    cluster.kill = lambda actor: (killed.append(actor), cluster.actors.remove(actor))
    ran = Ran(cluster, [first, second], 1, own=True)
    assert [lost.begun for lost in ran.lost] == [(first, second)]
    assert ran.done == [first, second]


def test_a_node_that_is_lost_while_it_writes_is_nobodys_fault() -> None:
    cluster = Pretended({"a": ONE, "b": ONE}, commit=4.0)
    cluster.at.append((8.0, lambda: cluster.lose("b")))
    ran = Ran(cluster, tasks(8))
    assert sorted(task.cells.start for task in ran.done) == list(range(8))
    assert [(lost.begun, len(lost.waiting)) for lost in ran.lost] == [((), 2)]


def test_nodes_that_come_later_are_used() -> None:
    cluster = Pretended({})
    cluster.at.append((30.0, lambda: cluster.add("late", **TWO)))
    cluster.at.append((45.0, lambda: cluster.add("later", **TWO)))
    ran = Ran(cluster, tasks(20))
    assert len(ran.done) == 20
    assert set(cluster.used) == {"late", "later"}
    assert ran.said == ["waiting for a node with 1 core: the cluster has no node that can be used"]


def test_a_lost_node_is_nobodys_fault() -> None:
    cluster = Pretended({"a": ONE, "b": TWO})
    cluster.at.append((12.0, lambda: cluster.lose("b")))
    ran = Ran(cluster, tasks(12))
    assert len(ran.done) == 12
    assert [(lost.begun, lost.reason) for lost in ran.lost] == 2 * [((), "its node b is gone")]


def test_a_node_that_is_cut_off_is_given_up_and_welcomed_back() -> None:
    cluster = Pretended({"a": ONE, "b": ONE})
    cluster.at.append((12.0, lambda: cluster.cut("b", off=True)))
    cluster.at.append((30.0, lambda: cluster.cut("b", off=False)))
    ran = Ran(cluster, tasks(16))
    assert len(ran.done) == 16
    assert [lost.reason for lost in ran.lost] == ["its node b does not answer"]
    assert cluster.used["b"] > 3


def test_it_gives_up_after_many_losses_with_nothing_done() -> None:
    cluster = Pretended({"a": ONE}, seconds=1e9)
    for number in range(30):
        cluster.at.append((10.0 * number + 5, lambda number=number: cluster.add(f"n{number}", CPU=64.0)))
        cluster.at.append((10.0 * number + 9, lambda number=number: cluster.lose(f"n{number}")))
    with pytest.raises(SweepError, match="21 workers or nodes were lost in a row with nothing done"):
        Ran(cluster, tasks(1000))
    assert cluster.now == pytest.approx(10 * 20 + 9, abs=1), "a node with many actors is one loss"


@pytest.mark.parametrize("blocks_each", [1, 0])
def test_a_long_task_may_lose_any_number_of_nodes_as_long_as_it_gets_on(blocks_each: int) -> None:
    """Each machine is lost before the task has ended, and has come a block further than the one before."""
    cluster = Pretended({}, seconds=8.0)

    def lose(name: str) -> None:
        cluster.lose(name)
        cluster.block += blocks_each

    for number in range(30):
        cluster.at.append((10.0 * number, lambda number=number: cluster.add(f"n{number}", CPU=1.0)))
        cluster.at.append((10.0 * number + 7, lambda number=number: lose(f"n{number}")))
    cluster.at.append((310.0, lambda: cluster.add("last", CPU=1.0)))
    if blocks_each:
        ran = Ran(cluster, tasks(1))
        assert (len(ran.done), len(ran.lost), cluster.used) == (1, 30, {"last": 1})
        assert {lost.begun for lost in ran.lost} == {()}, "which is no attempt"
    else:
        with pytest.raises(SweepError, match="21 workers or nodes were lost in a row with nothing done"):
            Ran(cluster, tasks(1))


def test_what_fits_nowhere_is_said_at_once_and_holds_up_nothing_else() -> None:
    cluster = Pretended({"a": TWO})
    ran = Ran(cluster, [*tasks(2, "wide", cpus=8), *tasks(4)], stop_at=200.0)
    assert len(ran.done) == 4
    line = "waiting for a node with 8 cores: the largest node, a, offers 2 cores"
    assert ran.said == 4 * [line], "once a minute"
    assert ran.seconds < 201


def test_workers_that_are_slow_to_start_are_waited_for_in_words_for_one_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pretended.START_SECONDS", 15.0)
    ran = Ran(Pretended({"a": TWO}), tasks(4), 2, own=True)
    line = "waiting for a worker with 1 core: it is still starting, or others have this machine's 2 cores"
    assert (len(ran.done), ran.said) == (4, [line])


def test_what_fits_nowhere_in_a_ray_of_ones_own_is_refused() -> None:
    with pytest.raises(SweepError, match="a task wants 1 core and 2 GPUs; the largest node, a, offers 2 cores and 1"):
        Ran(Pretended({"a": {"CPU": 2.0, "GPU": 1.0}}), tasks(1, "wide", gpus=2), 2, own=True)


def test_tasks_are_packed_by_memory_and_by_whatever_else_is_counted() -> None:
    """Eight cores, but memory for two and one licence."""
    cluster = Pretended({"a": {"CPU": 8.0, "memory": 5.0 * 2**30, "licence": 1.0}})
    large, licensed = Resources(memory=2 * 2**30), Resources(custom=(("licence", 1.0),))
    Ran(cluster, [Task("large", range(cell, cell + 1), large) for cell in range(6)], 8, own=True)
    assert (cluster.most, cluster.started) == (2.0, 2)
    ran = Ran(cluster, [Task("licensed", range(cell, cell + 1), licensed) for cell in range(4)], 8, own=True)
    assert (len(ran.done), cluster.started) == (4, 3)
    with pytest.raises(
        SweepError, match="wants 1 core and 8 GiB of memory; the largest node, a, offers 8 cores and 5 Gi"
    ):
        Ran(cluster, [Task("huge", range(1), Resources(memory=2**33))], 8, own=True)


def test_a_task_that_is_to_be_alone_has_the_machine_with_most_memory_and_holds_up_nothing_else() -> None:
    cluster = Pretended({"a": {"CPU": 4.0, "memory": 1e9}, "b": {"CPU": 2.0, "memory": 9e9}})
    beside: list[int] = []
    hear = cluster.submit

    def submit(actor: Actor, key: int, task: Task, rival: Actor | None = None) -> None:
        hear(actor, key, task, rival)
        if task.alone:
            beside.append(sum(other.node == actor.node for other in cluster.actors if other is not actor))

    cluster.submit = submit
    starved = [Task("narrow", range(cell, cell + 1), alone=True) for cell in range(100, 102)]
    ran = Ran(cluster, [*tasks(20), *starved, *tasks(20)])
    assert len(ran.done) == 42
    assert beside == [0, 0]
    assert ran.seconds < 100, "as it does when nobody is alone: 40 tasks of 5 s on six cores, and what room takes"
    assert len(Ran(Pretended({"a": {"CPU": 4.0}}), [*tasks(3), *starved], 2).done) == 5, "within a limit of two cores"


@pytest.mark.parametrize("own", [True, False])
def test_sizes_make_room_for_each_other_and_do_not_alternate(own: bool) -> None:
    cluster = Pretended({"a": TWO, "b": TWO}, seconds=4.0)
    ran = Ran(cluster, [*tasks(20, "wide", cpus=2), *tasks(40)], 4 if own else None, own=own)
    assert len(ran.done) == 60
    assert cluster.came < 12


def test_idle_actors_of_another_size_make_room_at_once() -> None:
    """As where one stage reads another; nobody but the launcher knows that no more narrow tasks come."""
    cluster = Pretended({"a": TWO}, seconds=0.1)
    ran = Ran(cluster, [*tasks(20), *tasks(3, "wide", cpus=2)], 2, own=True)
    assert len(ran.done) == 23
    assert ran.seconds < 8


def test_a_gpu_that_is_taken_holds_up_no_other_stage() -> None:
    cluster = Pretended({"a": {"CPU": 4.0, "GPU": 1.0}})
    ran = Ran(cluster, [*tasks(4, "trained", gpus=1), *tasks(9)], 4, own=True)
    assert len(ran.done) == 13
    assert ran.seconds < 1 + 4 * 5 + 5


def test_two_that_want_half_a_gpu_share_it() -> None:
    cluster = Pretended({"a": {"CPU": 4.0, "GPU": 1.0}})
    ran = Ran(cluster, tasks(8, "trained", gpus=0.5), 4, own=True)
    assert len(ran.done) == 8
    assert cluster.came == 2


def test_a_node_that_must_not_work_is_left_out_with_one_line() -> None:
    cluster = Pretended({"a": ONE, "b": TWO})
    cluster.refused["b"] = "node b: does not see this launch"
    ran = Ran(cluster, tasks(20))
    assert len(ran.done) == 20
    assert set(cluster.used) == {"a"}
    assert ran.said == ["left out: node b: does not see this launch"]
    assert cluster.came < 10, "it is tried again once in a while"


def test_a_node_that_kills_its_workers_is_left_out() -> None:
    cluster = Pretended({"a": ONE, "b": TWO})
    cluster.deadly.add("b")
    ran = Ran(cluster, tasks(30))
    assert len(ran.done) == 30
    assert ran.said[0] == "left out: node b: killed"
    assert len(ran.lost) < 10


def test_where_no_node_can_work_it_ends_and_says_why() -> None:
    cluster = Pretended({"a": TWO, "b": ONE})
    cluster.refused |= {"a": "node a: has numpy 1", "b": "node b: has numpy 2"}
    with pytest.raises(SweepError, match="node a: has numpy 1\nRay: node b: has numpy 2"):
        Ran(cluster, tasks(5))


@pytest.mark.parametrize("nodes", [{}, {"a": ONE}])
def test_it_stops_when_it_is_asked_to_whatever_it_waits_for(nodes: dict[str, dict[str, float]]) -> None:
    cluster = Pretended(nodes, seconds=1e9)
    ran = Ran(cluster, tasks(5), stop_at=20.0)
    assert ran.seconds < 21
    assert len(ran.done) <= 1
    assert all(actor.node for actor in cluster.actors), "those that had not come are not wanted any more"


def test_what_is_late_is_started_on_another_node_too_and_who_is_first_counts() -> None:
    cluster = Pretended({"a": TWO, "slow": ONE})
    cluster.slow["slow"] = 100.0
    ran = Ran(cluster, tasks(6))
    assert sorted(task.cells.start for task in ran.done) == list(range(6))  # each counts once
    assert ran.seconds < 60
    assert [text for text in ran.said if "started" in text] == [
        "stages.narrow: what takes 5 s elsewhere has run for 30 s on slow; "
        "it is started on a too, and who is first counts"
    ]
    assert "slow" not in {actor.node for actor in cluster.actors}  # who was outrun writes no more
    assert ran.lost == []


def test_the_second_one_may_lose_and_there_is_no_third() -> None:
    cluster = Pretended({"a": TWO, "b": TWO})
    cluster.slow |= {"a": 12.0, "b": 21.0}
    ran = Ran(cluster, tasks(4))
    assert sorted(task.cells.start for task in ran.done) == list(range(4))
    assert sum("started" in text for text in ran.said) == 2
    assert 105 < ran.seconds < 108
    assert cluster.used == {"a": 2, "b": 2}


def test_what_is_late_is_not_started_beside_itself() -> None:
    cluster = Pretended({"a": TWO})
    cluster.slow["a"] = 50.0
    assert Ran(cluster, tasks(3)).said == []


@pytest.mark.parametrize("late_one", [True, False])
def test_of_two_who_do_a_task_one_may_die(late_one: bool) -> None:
    cluster = Pretended({"a": TWO, "slow": ONE})
    cluster.slow["slow"] = 100.0
    cluster.at.append((34.0, lambda: cluster.lose("slow" if late_one else "a")))
    ran = Ran(cluster, tasks(6))
    assert sorted(task.cells.start for task in ran.done) == list(range(6))
    assert {task for lost in ran.lost for task in lost.waiting} == set()  # the other goes on with it
    assert ran.seconds < 60 or not late_one
