"""Taking turns, and what is said about the samples."""
import statistics


def interleave(turns, pairs):
    """Calls each of the named functions `pairs` times, in order and then in the opposite order, so
    that what else the machine does meets all of them. Returns {name: [results]}."""
    results = {name: [] for name in turns}
    for pair in range(pairs):
        order = list(turns)
        for name in order if pair % 2 == 0 else reversed(order):
            results[name].append(turns[name]())
    return results


def spread(samples):
    """Median and quartiles."""
    ordered = sorted(samples)
    if len(ordered) < 2:
        low = high = ordered[0]
    else:
        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return {"median": statistics.median(ordered), "low": low, "high": high, "samples": len(ordered)}


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs)]


def figure(name, samples, *, at_least=None, at_most=None, unit="", ours=None, peer=None, note=""):
    """One line of the report. `ours` and `peer` describe what was divided: {"name": …, "rate": …}."""
    return {"name": name, "value": spread(samples), "unit": unit, "at_least": at_least,
            "at_most": at_most, "ours": ours, "peer": peer, "note": note}


def met(entry):
    """True, False, or None where there is no target."""
    value = entry["value"]["median"]
    if entry["at_least"] is not None:
        return value >= entry["at_least"]
    if entry["at_most"] is not None:
        return value <= entry["at_most"]
    return None
