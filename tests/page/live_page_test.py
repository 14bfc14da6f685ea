#!/usr/bin/env python3
"""The live page in a real browser, before the real daemon: usage: live_page_test.py POSTOFFICED

One daemon and one browser for all cases; they run in the order of their names. Exit code 77: there
is no browser.
"""
import shutil
import sys
import tempfile
import unittest

import world
from webdriver import Browser, eventually, missing

BIG = 2**53 + 1  # not exact as a number of JavaScript


class LivePage(unittest.TestCase):
    program = ""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="postoffice-page-")
        cls.source = world.source()
        cls.daemon = world.Daemon(cls.program, cls.directory, cls.source.port)
        cls.address = f"http://127.0.0.1:{cls.daemon.admin}/"
        cls.browser = Browser()
        cls.browser.open(cls.address)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.daemon.stop()
        cls.source.stop()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def says(self, selector, text, patience=20.0):
        """Waits until the element has this text in it."""
        seen = []

        def has_it():
            seen[:] = [self.browser.text(selector) or ""]
            return text in seen[0]

        try:
            eventually(has_it, patience)
        except AssertionError:
            self.fail(f"{selector} does not say {text!r}, but {seen[0]!r}")

    def number(self, selector):
        text = (self.browser.text(selector) or "").replace(",", "")
        return float(text) if text.replace(".", "", 1).isdigit() else 0.0

    def no_errors(self):
        self.assertEqual([], [line for line in self.browser.console() if line[0] != "INFO"])

    def test_01_programs_get_a_list_and_browsers_a_guarded_page(self):
        with self.daemon.get("/") as answer:
            self.assertTrue(answer.headers["Content-Type"].startswith("text/plain"))
            self.assertIn("/healthz", answer.read().decode())
        with self.daemon.get("/", accept="text/html,*/*") as answer:
            policy = answer.headers["Content-Security-Policy"]
            self.assertIn("<h1>Postoffice</h1>", answer.read().decode())
        for rule in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"):
            self.assertIn(rule, policy)
        self.assertNotIn("unsafe", policy)
        for path in ("/", "/status", "/metrics"):
            with self.daemon.get(path) as answer:
                self.assertEqual("nosniff", answer.headers["X-Content-Type-Options"])
                self.assertEqual("no-referrer", answer.headers["Referrer-Policy"])
                self.assertEqual("no-store", answer.headers["Cache-Control"])
                self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])

    def test_02_empty_it_says_that_all_is_well_and_what_will_be_there(self):
        self.says("#state-words", "Everything is well")
        self.says("#objects", "Objects appear when a callback names them")
        self.assertEqual(6, self.browser.run("return document.querySelectorAll('.tile').length"))
        self.no_errors()

    def test_03_the_figures_move_when_callbacks_are_sent(self):
        sender = world.Sender(self.daemon, [1, 2, 3, 4, 5])
        try:
            eventually(lambda: self.number("#tile-callbacks .value span") > 1, what="callbacks/s")
            eventually(lambda: self.number("#tile-ids .value span") > 5, what="ids/s")
            self.says("#daemon", "up ")
            # This daemon has all parts, so nothing is left out but the list of daemons.
            self.assertEqual(self.browser.run(
                "return [...document.querySelectorAll('main > .card, .columns > .card, .tile')]"
                ".filter((card) => card.hidden).map((card) => card.id)"), ["instances-card"])
            self.browser.press("#objects-form button")
            self.says("#objects tbody", "online")
            self.browser.run("document.querySelector('#field').scrollIntoView()")
            eventually(lambda: "5 objects" in (self.browser.run(
                "return document.querySelector('#field').getAttribute('aria-label')") or ""),
                what="the field of objects")
        finally:
            sender.stop()
        self.no_errors()

    def test_04_objects_and_receipts_are_looked_up(self):
        receipt = self.daemon.callback([10, 11, BIG])
        eventually(lambda: self.daemon.status()["pending"] == 0, what="the fetches")
        sender = world.Sender(self.daemon, [10, 11, BIG])
        try:
            self.look_objects_up()
        finally:
            sender.stop()
        self.browser.write("#receipt-form input", receipt)
        self.browser.press("#receipt-form button")
        self.says("#receipt-answer", "Applied")
        self.browser.write("#receipt-form input", "no/receipt")
        self.browser.press("#receipt-form button")
        self.says("#receipt-answer", "That is no receipt")
        self.no_errors()

    def look_objects_up(self):
        self.browser.run("document.querySelector('#objects-form select').value = 'false';"
                         "document.querySelector('#objects-form').requestSubmit()")
        self.says("#objects tbody", "11")
        self.assertNotIn("10", self.browser.run(
            "return [...document.querySelectorAll('#objects tbody td:first-child')]"
            ".map(cell => cell.textContent)"))
        self.browser.write("#objects-form input", "12")
        self.browser.press("#objects-form button")
        self.says("#objects tbody", "There is no object 12.")
        self.browser.write("#objects-form input", str(BIG))
        self.browser.press("#objects-form button")
        self.says("#objects tbody", str(BIG))

    def test_05_an_outage_of_the_source_is_told_in_words_and_so_is_its_end(self):
        self.source.stop()
        sender = world.Sender(self.daemon, list(range(100, 150)))
        try:
            self.says("#state-words", "Source")
            self.assertIn("Source", self.browser.run("return document.title"))
            self.assertTrue(self.browser.text("#state-more"))
            self.assertIn("Next:", self.browser.text("#state-next"))
            self.source.start()
            self.says("#state-words", "Everything is well", patience=20)
        finally:
            sender.stop()
        self.no_errors()
        self.daemon.callback([666001, 666002, 666003])  # dead letters, once ttl has passed

    def test_06_it_fits_a_phone_in_light_and_dark(self):
        pictures = {}
        for scheme in ("light", "dark"):
            self.browser.prefer(scheme)
            for width in (360, 1280):
                self.browser.resize(width, 740, 2 if width == 360 else 1)
                self.assertLessEqual(
                    self.browser.run("return document.documentElement.scrollWidth"), width)
            pictures[scheme] = self.browser.run(
                "return getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(pictures["light"], pictures["dark"])
        self.browser.run("document.querySelector('#theme input[value=light]').click()")
        self.assertEqual(pictures["light"], self.browser.run(
            "return getComputedStyle(document.body).backgroundColor"))
        canvas = self.browser.run(
            "const c = document.querySelector('#fetches'); return [c.width, c.clientWidth]")
        self.assertEqual(canvas[0], canvas[1])  # sharp: as many points as pixels

    def test_07_a_day_is_shown_and_the_arrow_keys_read_a_curve(self):
        self.browser.run("document.querySelector('#range input[value=minute]').click()")
        self.says("#ends-note", "24 h")
        self.browser.run("document.querySelector('#range input[value=second]').click()")
        self.says("#ends-note", "10 min")
        self.browser.run(
            "const c = document.querySelector('#fetches'); c.focus();"
            "c.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))")
        self.says("#fetches-readout", "at ")
        self.says("#fetches-legend", "begun ")
        self.assertTrue(self.browser.run("return [...document.querySelectorAll('canvas[role=img]')]"
                                         ".every(node => node.getAttribute('aria-label'))"))
        self.no_errors()

    def test_08_no_request_leaves_the_daemon(self):
        addresses = [url for url in self.browser.requests() if not url.startswith("data:")]
        self.assertTrue(addresses)
        self.assertEqual([], [url for url in addresses if not url.startswith(self.address)])

    def confirm(self, verb, token=None):
        """Presses a button of the dead letters and goes through its dialog."""
        self.browser.press(f"#letters-{verb}")
        if token:
            self.says("#ask-words", "This needs the admin token.")
            self.browser.write("#ask-token input", token)
            self.browser.press("#ask-go")
        self.says("#ask-words", "match")
        words = self.browser.text("#ask-words")
        self.browser.press("#ask-go")
        return words

    def test_09_dead_letters_are_filtered_dropped_and_replayed_with_the_token(self):
        rows = "return document.querySelectorAll('#letters tbody input').length"
        eventually(lambda: self.daemon.status()["dead"] == 3, what="the dead letters")
        eventually(lambda: self.browser.run(rows) == 3, what="three rows")
        self.says("#letters tbody", "HTTP 500")
        self.browser.write("#letters-form input[name=reason]", "no such reason")
        self.browser.press("#letters-form button")
        self.says("#letters tbody", "No dead letter matches the filter.")
        self.browser.run("document.querySelector('#letters-form').reset()")
        self.browser.press("#letters-form button")
        eventually(lambda: self.browser.run(rows) == 3, what="three rows again")
        self.no_errors()

        self.browser.press("#letters tbody input")  # the first one
        self.says("#letters-drop", "Drop 1 chosen")
        self.browser.press("#letters-drop")
        self.says("#ask-words", "This needs the admin token.")
        self.browser.write("#ask-token input", "wrong")
        self.browser.press("#ask-go")
        self.says("#ask-problem", "not the one of this daemon")
        self.browser.press("#ask-cancel")
        self.says("#letters-drop", "Drop 1 chosen")
        self.assertIn("1 dead letter matches", self.confirm("drop", self.daemon.token()))
        eventually(lambda: self.browser.run(rows) == 2, what="the drop")
        self.assertIn("2 dead letters match", self.confirm("replay"))  # the tab keeps the token
        self.says("#letters-note", "2 dead letters were replayed")
        self.assertEqual(2, self.daemon.status()["pending"])
        self.assertNotIn(self.daemon.token(), self.browser.run("return location.href"))
        refused = [line for line in self.browser.console() if line[0] != "INFO"]
        self.assertTrue(all(" 401 " in line[1] for line in refused), refused)

    def test_10_hostile_text_stays_text(self):
        proxy = world.hostile_proxy(self.daemon.admin)
        try:
            self.browser.open(f"http://127.0.0.1:{proxy.port}/")
            self.says("#state-words", "<img src=x")
            self.says("#daemon", "<script>")
            self.assertIsNone(self.browser.run("return window.hit"))
            self.assertEqual(0, self.browser.run("return document.images.length"))
            self.no_errors()  # nor did the browser have to refuse anything
        finally:
            proxy.stop()
            self.browser.open(self.address)

    def test_11_a_daemon_that_is_away_is_told_and_forgotten_when_it_is_back(self):
        stale = "return document.body.classList.contains('stale')"
        self.says("#daemon", "up ")
        self.daemon.stop()
        self.says("#state-words", "No answer from the daemon since ")
        self.assertTrue(self.browser.run(stale))
        self.daemon.start()
        eventually(lambda: "No answer" not in self.browser.text("#state-words"), what="its end")
        self.assertFalse(self.browser.run(stale))


def main():
    why = missing()
    if why:
        print("skipped:", why)
        return 77
    LivePage.program = sys.argv.pop(1)
    result = unittest.main(exit=False, verbosity=2, failfast=False).result
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
