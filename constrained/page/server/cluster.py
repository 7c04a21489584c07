"""The page and the network on Ray Serve, for more visitors than one process can take.

    python -m constrained.page.server.cluster

Pages are the replicas of one deployment, networks those of another. A page asks the networks for a picture's features,
and they compute them in batches (`serve.batch`). Each visitor has one page (`sticky`); any network will do.
"""

import argparse
import asyncio
import os
from concurrent.futures import Future

import numpy as np
import PIL.Image
import ray
import torch
from ray import serve
from ray.serve.config import HTTPOptions, RequestRouterConfig
from ray.serve.handle import DeploymentHandle, DeploymentResponse
from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica
from ray.serve.schema import LoggingConfig

from ... import models
from ...models import Checkpoint
from .. import layout as ui
from . import inference, sticky

TABS = 10_000  # that one page accepts; each open tab holds a connection
PATIENCE = 120  # seconds that a page waits for a network
TRIES = 3  # for a picture whose network dies during the computation
HEADER = "RAY_SERVE_SESSION_ID_HEADER_KEY"  # a variable: the header of a request that Ray shows to its router


class Sticky(RequestRouter):
    """Ray's choice of a replica for a request: the one that the visitor's cookie names."""

    def initialize_state(self, **_) -> None:
        if os.environ.get(HEADER) != "cookie":
            raise RuntimeError(f"visitors would meet another page at every step: start Ray with {HEADER}=cookie")

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        if not candidate_replicas or pending_request is None:
            return [candidate_replicas]
        pending_request.routing_context.should_backoff = True  # before it asks again for a page that is full
        asked = pending_request.metadata
        pages = {replica.replica_id.unique_id: replica for replica in candidate_replicas}
        return [[pages[sticky.choose(sticky.cookie(asked.session_id) or asked.request_id, list(pages))]]]


@serve.deployment
class Network:
    """A checkpoint's network, loaded when it is first asked for.

    Args:
        key: of ``CHECKPOINTS``.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    async def head(self) -> torch.nn.Module:
        """The last layer; raises `CheckpointError` if the weights cannot be had."""
        return (await asyncio.to_thread(inference.network, self._key)).head

    async def features(self, views: list[PIL.Image.Image]) -> np.ndarray:
        """Features ``(F,)`` of a picture, given as its views."""
        try:
            return await self._together(views)
        except Exception:  # one picture must not fail the others in its batch
            return (await asyncio.to_thread(self._forward, [views]))[0]

    @serve.batch(max_batch_size=inference.BATCH, batch_wait_timeout_s=0)
    async def _together(self, pictures: list[list[PIL.Image.Image]]) -> list[np.ndarray]:
        return await asyncio.to_thread(self._forward, pictures)

    def _forward(self, pictures: list[list[PIL.Image.Image]]) -> list[np.ndarray]:
        return inference.network(self._key).forward(pictures)


class Remote(inference.Network):
    """The network as a page uses it: `Network` computes; the last layer and the remembered features are here."""

    def __init__(self, checkpoint: Checkpoint, handle: DeploymentHandle) -> None:
        self._handle = handle
        super().__init__(checkpoint)

    def _start(self) -> torch.nn.Module:
        return answer(self._handle.head.remote())

    def _ask(self, views: list[PIL.Image.Image], future: Future, kind: int) -> None:
        for left in reversed(range(TRIES)):
            try:
                future.set_result(answer(self._handle.features.remote(views)).copy())  # Ray's own cannot be written to
                return
            except Exception as error:
                if not left or not isinstance(error, ray.exceptions.RayActorError):
                    future.set_exception(error)
                    return


def answer(response: DeploymentResponse) -> object:
    """The answer of a deployment. Its error is raised here, without the traceback that Ray adds to the message."""
    try:
        return response.result(timeout_s=PATIENCE)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


@serve.deployment
@serve.ingress()
class Page:
    """The page.

    Args:
        model: the one it opens with.
        networks: `Network` by key.
    """

    async def __init__(self, model: str, **networks: DeploymentHandle) -> None:
        inference.use(lambda checkpoint: Remote(checkpoint, networks[checkpoint.key]))
        # Building it puts the first picture through the network, for which Ray lets no event loop wait.
        app = await asyncio.to_thread(lambda: ui.demo(model).asgi())
        self._app = sticky.Stamped(app, serve.get_replica_context().replica_id.unique_id)

    def __serve_build_asgi_app__(self) -> sticky.Stamped:
        return self._app


def application(model: str, pages: int, networks: int) -> serve.Application:
    """What `serve.run` takes.

    Args:
        model: the one that pages open with, a key of ``CHECKPOINTS``.
        pages: how many; each takes a core.
        networks: of each checkpoint, at most; each takes a core. There is always one of ``model``, and none of another
            checkpoint until somebody chooses it.
    """
    scaling = {"max_replicas": networks, "target_ongoing_requests": inference.BATCH}
    handles = {
        key: Network.options(
            name=f"network-{key}",
            max_ongoing_requests=4 * inference.BATCH,
            autoscaling_config=scaling | {"min_replicas": int(key == model)},
        ).bind(key)
        for key in models.CHECKPOINTS
    }
    router = RequestRouterConfig(request_router_class=Sticky)
    page = Page.options(num_replicas=pages, max_ongoing_requests=TABS, request_router_config=router)
    return page.bind(model, **handles)


def start(pages: int, networks: int) -> None:
    """Join the Ray cluster of the variable ``RAY_ADDRESS``; without it, start Ray on this machine, for no other one."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ[HEADER] = "cookie"
    os.environ.setdefault("RAY_worker_niceness", "0")  # Ray's 15 has everything else on the machine go first
    os.environ.setdefault("RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S", "60")  # its 5 are too few on a busy machine
    if "RAY_ADDRESS" in os.environ:
        ray.init()
        return
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = False  # all of it listens on loopback, and on nothing else
    ray.init(
        "local",
        num_cpus=pages + networks * len(models.CHECKPOINTS),
        object_store_memory=100 * 2**20,  # pictures and features are small
        include_dashboard=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m constrained.page.server.cluster", description="The page on Ray Serve."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    parser.add_argument("--pages", type=int, default=2, help="how many pages (default: 2)")
    parser.add_argument("--networks", type=int, default=2, help="how many of each network, at most (default: 2)")
    parser.add_argument("--model", choices=list(models.CHECKPOINTS), default=models.BUNDLED, help="to start with")
    args = parser.parse_args()
    if os.environ.get("RAY_AUTH_MODE", "token") != "token":  # what Ray takes by itself
        parser.error("RAY_AUTH_MODE must be token: without one, whoever reaches Ray's ports can run anything")
    start(args.pages, args.networks)
    quiet = LoggingConfig(log_level="WARNING", enable_access_log=False)
    serve.start(http_options=HTTPOptions(host=args.host, port=args.port), logging_config=quiet)
    serve.run(application(args.model, args.pages, args.networks), blocking=True, logging_config=quiet)


if __name__ == "__main__":
    main()
