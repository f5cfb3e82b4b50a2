"""What a run costs: CPU time of processes by the kernel's own accounting, and facts by the services' metrics."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Self

import httpx2

from deploy.client import SERVICES

HANDLED, STATED = "corpu_facts_handled", "corpu_facts_stated"


def cpu_seconds(pid: int) -> float:
    """Tell the CPU seconds, user and system, that all threads of a process have used, to the microsecond."""
    # Linux numbers the CPU clock of another process so (CPUCLOCK_SCHED, see clock_getcpuclockid); `/proc`
    # counts in hundredths of a second, which is coarse for a drain of half a second.
    return time.clock_gettime((~pid << 3) | 2)


def samples(metrics: str, name: str, label: str) -> Counter[str]:
    """Sum a counter's samples of a Prometheus text by one of its labels."""
    found: Counter[str] = Counter()
    for line in metrics.splitlines():
        if line.startswith(f"{name}_total{{") and f'{label}="' in line:
            found[line.partition(f'{label}="')[2].partition('"')[0]] += round(
                float(line.rpartition(" ")[2])
            )
    return found


async def counted(address: str, name: str, label: str) -> Counter[str]:
    """Ask one service for one counter: for a wait, which shall not cost the others anything."""
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{address}/metrics")
    return samples(answer.raise_for_status().text, name, label)


@dataclass(frozen=True)
class Reading:
    """One look at all meters: CPU seconds, facts handled and facts stated, by process or service."""

    cpu: dict[str, float]
    handled: dict[str, Counter[str]]
    stated: dict[str, Counter[str]]

    @classmethod
    async def now(cls, pids: dict[str, int], addresses: dict[str, str]) -> Self:
        """Read all meters; it costs the services some milliseconds, so do not ask too often."""
        handled, stated = {}, {}
        async with httpx2.AsyncClient(timeout=30) as client:
            for service in SERVICES:
                text = (await client.get(f"{addresses[service]}/metrics")).raise_for_status().text
                handled[service] = samples(text, HANDLED, "subscription")
                stated[service] = samples(text, STATED, "type")
        return cls({name: cpu_seconds(pid) for name, pid in pids.items()}, handled, stated)

    def cpu_since(self, before: "Reading", name: str) -> float:
        """Tell the CPU seconds of one process since an earlier reading."""
        return self.cpu[name] - before.cpu[name]

    def handled_since(self, before: "Reading", service: str) -> int:
        """Tell how many facts a service has handled since an earlier reading."""
        return self.handled[service].total() - before.handled[service].total()

    def stated_since(self, before: "Reading", type_: str) -> int:
        """Tell how many facts of a type were stated since an earlier reading."""
        return sum(self.stated[name][type_] - before.stated[name][type_] for name in SERVICES)
