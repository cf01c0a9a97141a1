//! The explorer in a real Chromium, on a real node with a chain of contracts.
//!
//! The tests need `chromium` and `chromedriver`, so they are ignored; the step `explorer` of
//! `.ci/run` runs them. With `FUSEE_SCREENSHOTS=FOLDER` they leave images of every page there.

mod browser;
mod chain;
mod encodings;

use fusee_contract::Address;
use serde_json::json;

use self::{
    browser::{Browser, DESKTOP, Screen, TELEPHONE, key},
    chain::{MARKUP, OVERRIDE, World},
};

/// Runs a test on a chain of its own, in a window of its own.
fn check(screen: Screen, test: impl Fn(&mut World, &Browser)) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path());
    let browser = Browser::open(screen);
    test(&mut world, &browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(browser);
    world.server.stop();
}

/// Every view: a name and its address.
fn views(world: &World) -> Vec<(&'static str, String)> {
    let alice = Address::of_development_account("alice");
    let (token, caller, hostile) = (world.token, world.caller, world.hostile);
    let views = [
        ("blocks", String::new()),
        ("all-blocks", "blocks".to_owned()),
        ("block", "block/1".to_owned()),
        ("no-block", "block/99999".to_owned()),
        ("transaction", format!("transaction/{}", world.id(7))),
        ("trapped", format!("transaction/{}", world.id(8))),
        ("reverted", format!("transaction/{}", world.id(6))),
        ("account", format!("address/{alice}")),
        ("token", format!("address/{token}")),
        ("form", format!("address/{token}/methods/transfer")),
        ("storage", format!("address/{token}/storage")),
        ("events", format!("address/{token}/events")),
        ("caller", format!("address/{caller}/methods/try_and_write")),
        ("hostile", format!("address/{hostile}/methods/say")),
        ("hostile-storage", format!("address/{hostile}/storage")),
        ("hostile-events", format!("address/{hostile}/events")),
        ("hostile-revert", format!("transaction/{}", world.id(10))),
        ("hostile-long", format!("transaction/{}", world.id(13))),
        ("search", "search/nobody".to_owned()),
        ("no-page", "nowhere".to_owned()),
    ];
    views
        .map(|(name, route)| (name, world.page(&route)))
        .to_vec()
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn every_view_can_be_seen_on_every_screen() {
    let dark = |screen| Screen {
        scheme: "dark",
        ..screen
    };
    check(DESKTOP, |world, browser| {
        for (form, screen) in [
            ("desktop-light", DESKTOP),
            ("desktop-dark", dark(DESKTOP)),
            ("phone-light", TELEPHONE),
            ("phone-dark", dark(TELEPHONE)),
        ] {
            browser.resize(screen);
            for (name, page) in views(world) {
                browser.show(&page);
                let wide = "return document.documentElement.scrollWidth - innerWidth";
                let beyond = browser.run(wide).as_i64().unwrap();
                assert!(
                    beyond <= 0,
                    "{name} is {beyond} pixels wider than {screen:?}"
                );
                let faint = browser.run(CONTRAST);
                assert_eq!(
                    faint,
                    json!([]),
                    "texts of {name} that are hard to read, {form}"
                );
                let unnamed = browser.run(UNNAMED);
                assert_eq!(unnamed, json!([]), "controls of {name} without a name");
                browser.photograph(&format!("{name}-{form}"));
            }
        }
    });
}

/// Texts whose contrast is below 4.5, by the rules of WCAG 2.
const CONTRAST: &str = r"
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const parts = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((part) => part / 255)
            .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parts(getComputedStyle(at).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255];
    };
    const faint = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (texts.currentNode.data.trim() === '' || element.closest('svg, .hidden, :disabled, noscript, datalist')) continue;
        const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < 4.5) faint.add(`${texts.currentNode.data.slice(0, 40)}: ${ratio.toFixed(2)}`);
    }
    return [...faint];
";

/// Controls that a screen reader has no name for, and labels that are twice there.
const UNNAMED: &str = r"
    const unnamed = [...document.querySelectorAll('a, button, input, select, textarea, summary')]
        .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length))
        .map((one) => one.outerHTML.slice(0, 80));
    const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
    return [...unnamed, ...ids.filter((id, at) => ids.indexOf(id) !== at)];
";

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_reader_can_click_from_the_first_page_to_everything() {
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(""));
        browser.until_text("@carol");
        browser.until_text("Live");
        assert!(browser.text("h1").contains("fusee-dev"));
        browser.click("table.blocks tbody a");
        browser.until_text("State root");
        browser.press("← Before");
        browser.until_text(&format!("Block {}", world.height() - 1));
        browser.click("section table a");
        browser.until_text("Operation");
        browser.show(&world.page(&format!("transaction/{}", world.id(7))));
        // The call of the token inside the call of the caller.
        browser.until_text("balance_of");
        assert!(browser.text(".trace").contains("storage_read"));
        let frames = browser.run("return document.querySelectorAll('.flame .frame').length");
        assert!(frames.as_u64().unwrap() > 4, "{frames}");
        let whole = browser.text(".flame-note");
        browser.run("[...document.querySelectorAll('.frame.syscall')].at(0).dispatchEvent(new MouseEvent('click'))");
        assert_ne!(browser.text(".flame-note"), whole);
        browser.press("Whole graph");
        assert_eq!(browser.text(".flame-note"), whole);
        browser.click(".trace summary a");
        browser.until_text("Calls other contracts");
        browser.press("Events");
        browser.until_text("emitted none");
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_search_finds_heights_hashes_addresses_and_names() {
    check(DESKTOP, |world, browser| {
        let hash = world.block_hash(3);
        let searches = [
            ("3".to_owned(), "Block 3"),
            (hash, "Block 3"),
            (world.id(4), "Transaction"),
            (world.token.to_string(), "Balances, allowances"),
            (format!("0x{}", world.token), "token"),
            ("@carol".to_owned(), "@carol"),
            ("bob".to_owned(), "@bob"),
            ("token".to_owned(), "token"),
            ("nobody".to_owned(), "Nothing here is nobody"),
            ("ab".repeat(32), "never used"),
        ];
        browser.show(&world.page(&format!("address/{}", world.token)));
        for (wanted, found) in searches {
            browser.click("#words");
            browser.keys(&format!("{wanted}{}", key::ENTER));
            let script = format!(
                "return document.querySelector('main').innerText.includes({})",
                json!(found)
            );
            browser.until(&format!("{wanted} finds {found}"), &script);
        }
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_form_queries_simulates_and_sends() {
    check(DESKTOP, |world, browser| {
        let token = world.token;
        browser.show(&world.page(&format!("address/{token}/methods/balance_of")));
        browser.click("details[open] .field input");
        browser.keys("@bob");
        browser.press("Query");
        browser.until_text("250");
        browser.show(&world.page(&format!("address/{token}/methods/transfer")));
        browser.click("details[open] .field input");
        browser.keys("nobody at all");
        browser.press("Simulate");
        browser.until_text("64 hexadecimal digits are needed");
        let wrong = browser.run("return document.activeElement.getAttribute('aria-invalid')");
        assert_eq!(wrong, "true");
        browser.keys(&format!("{}@bob", key::ALL));
        browser.click("details[open] .field + .field input");
        browser.keys(&format!("{}7", key::ALL));
        browser.press("Simulate");
        browser.until_text("Nothing is kept");
        browser.until_text("storage_write");
        browser.photograph("simulation");
        let height = world.height();
        browser.press("Sign and send");
        browser.until_text("is in block");
        assert_eq!(world.height(), height + 1);
        browser.show(&world.page(&format!("address/{token}/events")));
        browser.until_text("amount: 7");
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_keyboard_alone_is_enough() {
    check(DESKTOP, |world, browser| {
        browser.show(&world.page(&format!("address/{}", world.token)));
        browser.run("document.activeElement.blur()");
        browser.keys(key::TAB);
        assert_eq!(
            browser.run("return document.activeElement.className"),
            "skip"
        );
        browser.keys(key::ENTER);
        assert_eq!(browser.run("return document.activeElement.id"), "main");
        // Every stop is visible, and the walk ends.
        let mut stops = 0;
        loop {
            browser.keys(key::TAB);
            let at = browser.run(STOP);
            if at == "end" {
                break;
            }
            assert_eq!(at, "visible", "stop {stops}");
            stops += 1;
            assert!(stops < 200, "the walk does not end");
        }
        assert!(stops > 10, "{stops} stops");
        // A method is opened and simulated without a mouse.
        let summary = "[...document.querySelectorAll('summary')].find((one) => one.innerText.startsWith('total_supply')).focus()";
        browser.run(summary);
        browser.keys(key::ENTER);
        browser.until(
            "the form is there",
            "return document.querySelector('details[open] form') !== null",
        );
        browser.keys(key::TAB);
        browser.keys(key::ENTER);
        browser.until_text("1,000,000");
        // The flame graph is one stop, with arrows inside.
        browser.show(&world.page(&format!("transaction/{}", world.id(7))));
        browser.run("document.querySelector('.frame[tabindex=\"0\"]').focus()");
        let first = browser.text(".flame-note");
        browser.keys(key::DOWN);
        browser.keys(key::RIGHT);
        let second = browser.text(".flame-note");
        assert_ne!(first, second);
        browser.keys(key::ENTER);
        let focused = browser.run("return document.activeElement.getAttribute('aria-label')");
        assert_eq!(focused, second.as_str());
        browser.keys(key::ESCAPE);
        assert_eq!(browser.text(".flame-note"), first);
    });
}

/// Where the focus is: `visible` if it is shown, with an outline.
const STOP: &str = r"
    const at = document.activeElement;
    if (at === document.body || at.closest('.skip')) return 'end';
    const box = at.getBoundingClientRect();
    const isOutlined = getComputedStyle(at).outlineStyle !== 'none';
    const isThere = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
    return isThere && isOutlined ? 'visible' : at.outerHTML.slice(0, 120);
";

#[test]
#[ignore = "needs chromium and chromedriver"]
fn what_contracts_say_is_shown_as_text() {
    check(TELEPHONE, |world, browser| {
        for (name, page) in views(world) {
            browser.show(&page);
            let strange = browser.run(
                "return document.querySelectorAll('main img, main script, main iframe').length",
            );
            assert_eq!(strange, 0, "{name}");
            assert_ne!(browser.run("return document.title"), "owned", "{name}");
            // An override would turn the letters around it.
            let turned = browser
                .run("return /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent)");
            assert_eq!(turned, false, "{name}");
            let letters = browser.run("return document.body.textContent.length");
            assert!(
                letters.as_u64().unwrap() < 60_000,
                "{name} has {letters} letters"
            );
        }
        browser.show(&world.page(&format!("address/{}/events", world.hostile)));
        // Markup is there, letter by letter.
        browser.until_text(MARKUP);
        browser.until_text(
            &OVERRIDE
                .replace('\u{202e}', "\\u{202e}")
                .replace('\u{202c}', "\\u{202c}"),
        );
        browser.until_text("all 42,000 characters");
        browser.press("all 42,000 characters");
        let wide = "return document.documentElement.scrollWidth <= innerWidth";
        browser.until("a long text breaks", wide);
    });
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn blocks_come_by_socket_and_by_polling() {
    for blocked in [false, true] {
        check(DESKTOP, |world, browser| {
            if blocked {
                let source = "globalThis.WebSocket = class extends EventTarget { constructor() { super(); setTimeout(() => this.dispatchEvent(new Event('close'))); } close() {} };";
                browser.before_pages(source);
            }
            browser.show(&world.page(""));
            browser.until_text(if blocked { "Every 2 seconds" } else { "Live" });
            for _ in 0..3 {
                let height = world.height() + 1;
                world.pay();
                let script = format!(
                    "return document.querySelector('.blocks tbody tr').innerText.startsWith('{height}')"
                );
                browser.until(&format!("block {height}"), &script);
            }
            let heights = browser.run("return [...document.querySelectorAll('.blocks tbody a[href^=\"#/block/\"]')].map((a) => Number(a.hash.slice(8))).filter(Boolean)");
            let heights: Vec<u64> = serde_json::from_value(heights).unwrap();
            assert!(
                heights.windows(2).all(|two| two[0] == two[1] + 1),
                "{heights:?}"
            );
            browser.press("Pause");
            let height = world.height() + 1;
            world.pay();
            browser.until_text("Paused");
            browser.press("Pause");
            let script = format!(
                "return document.querySelector('.blocks tbody tr').innerText.startsWith('{height}')"
            );
            browser.until("the missed block", &script);
        });
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_lost_node_is_told_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path());
    let browser = Browser::open(DESKTOP);
    browser.show(&world.page(""));
    browser.until_text("Live");
    world.server.stop();
    browser.until_text("No connection");
    browser.run("location.hash = '#/block/1'");
    browser.until_text("see whether the node runs");
    assert_eq!(
        browser.run("return document.querySelector('.failure').getAttribute('role')"),
        "alert"
    );
    browser.photograph("lost");
}
