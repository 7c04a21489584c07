"""The live webcam, with the moving picture that Chromium's pretended camera shows."""


def test_live_webcam_streams_into_the_chart(visit):
    page = visit(permissions=["camera"]).page
    page.locator("#live input").check()
    page.locator("#camera").get_by_text("Access Webcam").click()
    seen = {page.evaluate("explore.state.logits[0]")}
    page.locator("#camera").get_by_text("Record").click()
    for _ in range(3):  # frames differ, so their logits do
        page.wait_for_function("seen => !seen.includes(explore.state.logits[0])", arg=list(seen))
        seen.add(page.evaluate("explore.state.logits[0]"))
    page.locator("#camera").get_by_text("Stop").click()
    page.locator("#live input").uncheck()
    page.locator("#picture").wait_for()
    assert page.locator("#notice").inner_text().strip() == ""
