"""
Clocks that differ: freshness is now here minus the commit time there.
"""

from __future__ import annotations

from syncsvc.doctor.finding import Finding, fail, ok, warn

#: Seconds from which a person sees it in the figures, and from which they mean nothing.
SEEN_SECONDS, WRONG_SECONDS = 1.0, 60.0


def finding(check: str, where: str, ahead: float, within: float) -> Finding:
    """
    How far a server's clock is from ours.

    Args:
        ahead: seconds the server's clock is ahead.
        within: half of how long the question took: the skew is known no better.
    """
    skew = max(0.0, abs(ahead) - within)
    side = "ahead of" if ahead > 0 else "behind"
    what = f"its clock is {skew:.1f} s {side} this machine's"
    fix = "let both follow the same NTP servers (chronyc tracking)"
    if skew >= WRONG_SECONDS:
        return fail(check, where, f"{what}: freshness and latencies mean nothing", fix)
    if skew >= SEEN_SECONDS:
        return warn(check, where, f"{what}: freshness is shown wrong by as much", fix)
    return ok(check, where, f"its clock agrees within {max(within, abs(ahead)):.2f} s")
