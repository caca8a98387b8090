"""Seeded faults inside a WSGI service; standard library only.

app.wsgi_app = ChaosMiddleware(app.wsgi_app)
"""

from chaos_middleware.errors import ChaosError, ExperimentError, UnsupportedFault, injected_by
from chaos_middleware.experiment import Experiment, load
from chaos_middleware.middleware import ChaosMiddleware

__all__ = ["ChaosError", "ChaosMiddleware", "Experiment", "ExperimentError", "UnsupportedFault", "injected_by", "load"]
