"""WHAT goes wrong: one fault a file. A fault is listed here, tested in tests/chaos_middleware/faults, described in
docs/faults.md.
"""

from __future__ import annotations

from chaos_middleware.faults.bandwidth import Bandwidth
from chaos_middleware.faults.base import Fault, Target
from chaos_middleware.faults.cache_miss import CacheMiss
from chaos_middleware.faults.connect_timeout import ConnectTimeout
from chaos_middleware.faults.connection_refused import ConnectionRefused
from chaos_middleware.faults.connection_reset import ConnectionReset
from chaos_middleware.faults.cpu_pressure import CpuPressure
from chaos_middleware.faults.data_limit import DataLimit
from chaos_middleware.faults.descriptors_exhausted import DescriptorsExhausted
from chaos_middleware.faults.exception import InjectedException
from chaos_middleware.faults.garbage_body import GarbageBody
from chaos_middleware.faults.http_error import HttpError
from chaos_middleware.faults.jitter import Jitter
from chaos_middleware.faults.large_body import LargeBody
from chaos_middleware.faults.latency import Latency
from chaos_middleware.faults.link_down import LinkDown
from chaos_middleware.faults.live_reset import LiveReset
from chaos_middleware.faults.lock_contention import LockContention
from chaos_middleware.faults.memory_pressure import MemoryPressure
from chaos_middleware.faults.noop import Noop
from chaos_middleware.faults.packet_loss import PacketLoss
from chaos_middleware.faults.pool_exhaustion import PoolExhaustion
from chaos_middleware.faults.read_timeout import ReadTimeout
from chaos_middleware.faults.reset_after import ResetAfter
from chaos_middleware.faults.silence import Silence
from chaos_middleware.faults.slicer import Slicer
from chaos_middleware.faults.slow_body import SlowBody
from chaos_middleware.faults.slow_close import SlowClose
from chaos_middleware.faults.slow_statement import SlowStatement
from chaos_middleware.faults.stale_connections import StaleConnections
from chaos_middleware.faults.stale_value import StaleValue
from chaos_middleware.faults.statement_error import StatementError
from chaos_middleware.faults.truncated_body import TruncatedBody
from chaos_middleware.faults.worker_killed import WorkerKilled

FAULTS: tuple[type[Fault], ...] = (
    Noop,
    Latency,
    InjectedException,
    HttpError,
    ConnectTimeout,
    ReadTimeout,
    ConnectionRefused,
    ConnectionReset,
    SlowBody,
    TruncatedBody,
    LargeBody,
    GarbageBody,
    CacheMiss,
    StaleValue,
    SlowStatement,
    StatementError,
    LockContention,
    PoolExhaustion,
    StaleConnections,
    MemoryPressure,
    CpuPressure,
    DescriptorsExhausted,
    WorkerKilled,
    Jitter,
    Bandwidth,
    Slicer,
    DataLimit,
    ResetAfter,
    LiveReset,
    Silence,
    SlowClose,
    PacketLoss,
    LinkDown,
)

__all__ = ["FAULTS", "Fault", "Target"]
