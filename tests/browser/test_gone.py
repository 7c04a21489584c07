"""A page that outlives the server that made it."""

from .conftest import LOADED, visiting
from .driver import Explore, picture


def test_another_server_gives_no_answer_and_the_page_loads_anew(browser, server):
    """It knows none of the visitor's pictures, and would say what it sees in its own first one."""
    with visiting(browser, server) as visit:
        explore = Explore(visit.page)
        first = explore.state()["logits"]
        explore.upload(picture((200, 30, 30)))
        red = explore.new_logits(first)
        visit.page.evaluate("registry.page = 'another'")
        with visit.page.expect_navigation():
            explore.upload(picture((30, 200, 30)))
            visit.page.get_by_text("server that made this page is gone").wait_for()
            assert explore.state()["logits"] == red
        visit.page.evaluate(LOADED)
        assert explore.state()["logits"] == first
        explore.upload(picture((200, 30, 30)))
        assert explore.new_logits(first) == red
