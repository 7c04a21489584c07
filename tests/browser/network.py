"""A network that fails: a forwarder between browser and server whose connections can be cut, held or refused."""

import contextlib
import socket
import threading


class Network:
    """Forwards TCP connections on loopback to a port.

    Attributes:
        port: where it listens.
        up: whether connections come through at all.
        deaf: whether what is sent is swallowed, on connections that stay.
    """

    def __init__(self, to: int) -> None:
        self._to, self.up, self.deaf = to, True, False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._held: list[socket.socket] = []  # the server's ends of connections that only the browser has lost
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                if not self.up:
                    browser.close()
                    continue
                pair = browser, socket.create_connection(("127.0.0.1", self._to))
                with self._lock:
                    self._pairs.append(pair)
                for one, other in (pair, pair[::-1]):
                    threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(2**16):
                if not self.deaf:
                    other.sendall(data)
        if one not in self._held and other not in self._held:
            _close(one, other)

    def cut(self) -> None:
        """End all connections that are open; new ones come through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)

    def lose(self) -> None:
        """As `cut`, but the server is not told, as when a laptop moves to another network."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for browser, server in pairs:
            self._held.append(server)
            _close(browser)

    def close(self) -> None:
        self.up = False
        self._listener.close()
        self.cut()
        _close(*self._held)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
