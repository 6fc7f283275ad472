"""What a build leaves behind when a step fails or a signal comes: nothing, at whatever step it was."""

import concurrent.futures
import pathlib
import signal
import tempfile

import world as worlds

WORKERS = 2  # worlds that are driven at the same time
IMAGE_STEPS = 4  # the first changes of a build: compile, stage, root, pack


def prepare_fresh(world, _built):
    return world, ("--create-bridge",)


def prepare_rebuild(world, built):
    """Another image, another quota, and files in the folder of images that are replaced."""
    world.become(built)
    world.play("image", "2")
    world.configure("LOG_QUOTA_SIZE=600M\nSTATE_QUOTA_SIZE=300M\n")
    return world, ("--rebuild",)


def count_changes(prepare, built):
    """How many changing calls a build makes that goes well, and which is the first that cannot be taken back."""
    with tempfile.TemporaryDirectory(prefix="go-id-") as path:
        world, arguments = prepare(worlds.World(pathlib.Path(path)), built)
        if "--create-bridge" in arguments:
            (world.played / "networks/lxdbr0").rmdir()
        status, said = world.build(*arguments)
        assert status == 0, said
        calls = world.calls()
        final = [n for n, call in enumerate(calls, 1) if "user.go-id.replaced" in call]
        return len(calls), (final or [len(calls)])[0]


def sweep(prepare, built, numbers, attack):
    """Attacks a build at each of the numbers; each worker has a world, which must stay as it was."""
    def work(share):
        with tempfile.TemporaryDirectory(prefix="go-id-") as path:
            world, arguments = prepare(worlds.World(pathlib.Path(path)), built)
            if "--create-bridge" in arguments:
                (world.played / "networks/lxdbr0").rmdir()
            before = world.contents()
            for number in share:
                said = attack(world, arguments, number)
                where = f"change {number}: {(world.calls() + ['none'])[number - 1]}\n{said}"
                assert said is None or "what was there before is as it was" in said, where
                assert world.contents() == before, where
            world.calm()
            status, said = world.build(*arguments)
            assert status == 0, f"after the failures: {said}"

    numbers = list(numbers)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(work, numbers[n::WORKERS]) for n in range(WORKERS)]:
            done.result()


def fail(world, arguments, number):
    """Of two such attacks in a row, one comes before the step has done its work, and one after."""
    world.trouble(number, "breaks" if number % 4 < 2 else "fails")
    status, said = world.build(*arguments)
    assert status == 1, said
    return said


def interrupt(world, arguments, number):
    """Of four such attacks in a row: Ctrl-C, a signal, a terminal that goes away, a reader that does.  The last two
    leave nobody to say anything to."""
    world.trouble(number, "hangs")
    kind = ("INT", "TERM", "terminal", "reader")[number // 2 % 4]
    if kind == "terminal":
        process, terminal = world.start_in_terminal(world.conf, *arguments)
        assert world.leave(process, terminal) == 143
        return None
    process = world.start(world.conf, *arguments)
    if kind == "reader":
        assert world.leave(process, process.stdout) == 1
        return None
    status, said = world.interrupt(process, signal.Signals[f"SIG{kind}"])
    assert status == (130 if kind == "INT" else 143), said
    return said


def in_turn(first, second):
    """Attacks every odd step in one way and every even one in the other."""
    def attack(world, arguments, number):
        return (first if number % 2 else second)(world, arguments, number)
    return attack


def test_a_build_that_ends_at_any_step_leaves_nothing(build_that_went_well):
    changes, _ = count_changes(prepare_fresh, build_that_went_well)
    assert changes > 20
    sweep(prepare_fresh, build_that_went_well, range(1, changes + 1), in_turn(fail, interrupt))
    sweep(prepare_fresh, build_that_went_well, range(1, IMAGE_STEPS + 1), in_turn(interrupt, fail))


def test_a_rebuild_that_ends_at_any_step_leaves_the_old_container_serving(build_that_went_well):
    """What a build has done at an odd step has here become an even one, or is attacked in the other way."""
    _, final = count_changes(prepare_rebuild, build_that_went_well)
    assert final > 20
    sweep(prepare_rebuild, build_that_went_well, range(IMAGE_STEPS + 1, final), in_turn(interrupt, fail))


def test_a_rebuild_that_cannot_remove_the_old_container_is_finished_by_the_next_run(built):
    changes, final = count_changes(prepare_rebuild, built)
    built.play("image", "2")
    built.configure("LOG_QUOTA_SIZE=600M\nSTATE_QUOTA_SIZE=300M\n")
    assert changes > final
    built.trouble(final + 1, "fails")
    status, said = built.build("--rebuild")
    assert status == 1, said
    assert built.instances() == ["go-id-v1", "go-id-v1-old"]
    assert built.instance("go-id-v1", "state") == "RUNNING"
    built.calm()
    status, said = built.build()
    assert status == 0, said
    assert built.calls() == ["lxc delete --force go-id-v1-old"]


def test_a_service_that_is_not_well_is_reported_and_removed(world):
    before = world.contents()
    world.play("unwell", "503 no mark")
    status, said = world.build()
    assert status == 1
    assert "http://127.0.0.1:7001/health does not say OK, but: 503 no mark\n" in said
    assert "exec go-id-v1 -- tail -n 20 /var/log/go-id/service.log" in said
    assert world.contents() == before


def test_a_second_signal_ends_a_call_that_hangs(world):
    before = world.contents()
    world.trouble(9, "hangs")
    process = world.start(world.conf)
    world.wait_for_hang(process)
    process.send_signal(signal.SIGINT)
    said = process.stdout.readline()
    while "waiting for the command under way" not in said:
        assert process.poll() is None, said
        said = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=worlds.DEADLINE_S)
    assert process.returncode == 130, said
    assert world.contents() == before
