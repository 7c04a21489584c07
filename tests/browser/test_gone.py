"""A page that outlives the server that made it."""

from .conftest import visiting
from .driver import Explore, picture


def test_another_server_answers_nothing_and_says_so(browser, server):
    """It knows none of the visitor's pictures, and would say what it sees in its own first one."""
    with visiting(browser, server) as visit:
        explore = Explore(visit.page)
        before = explore.state()["logits"]
        visit.page.evaluate("registry.page = 'another'")
        explore.upload(picture((200, 30, 30)))
        visit.page.get_by_text("reload the page").wait_for()
        assert explore.state()["logits"] == before
        visit.open(server)
        explore.upload(picture((200, 30, 30)))
        assert explore.new_logits(before) != before
