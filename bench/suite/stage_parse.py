"""Reading the body of a callback."""
import os

from measure import figure, interleave, ratios
from programs import google_benchmark, run as run_program

TITLE = "Parsing, 200 ids"
# Short turns, and many: a shared machine is faster and slower by the second.
TURN, TURNS_OF_A_PAIR = 0.1, 5
PEERS = {"rapidjson_in_situ": ("RapidJSON in place (SAX)", 3), "simdjson_on_demand":
         ("simdjson On-Demand", None)}


def readers_agree(bench):
    """Bodies, random and mangled, through the quick reader and the thorough one: a test, which fails at
    the first that they take differently. It is the test's seed that makes it the same each time."""
    bodies = 100_000 if bench.quick else 10_000_000
    run_program([os.path.join(bench.programs.build, "tests/http/server/http_callback_json_test")],
                env={**os.environ, "POSTOFFICE_FUZZ_BODIES": str(bodies), "POSTOFFICE_TEST_SEED": "20261125"})
    yield figure("bodies on which the two readers differ, of " + format(bodies, ","), [0], at_most=0)


def run(bench):
    program = bench.programs.bench("parser_bench")

    def sample(name):
        return lambda: google_benchmark(program, "^%s/200$" % name, TURN).get(name + "/200")

    peers = [name for name in PEERS if sample(name)()]
    results = interleave({name: sample(name) for name in ["ours"] + peers},
                         bench.pairs * TURNS_OF_A_PAIR)
    time = {name: [entry["cpu_time"] for entry in results[name]] for name in results}
    for name in peers:
        label, target = PEERS[name]
        yield figure("speed against " + label, ratios(time[name], time["ours"]), at_least=target,
                     ours={"name": "our parser", "ns": time["ours"]},
                     peer={"name": label, "ns": time[name]})
    yield figure("bytes a second", [entry["bytes_per_second"] / 1e9 for entry in results["ours"]],
                 at_least=1.5, unit="GB/s")
    yield figure("allocations", [entry["allocations"] for entry in results["ours"]], at_most=0)
    yield from readers_agree(bench)
