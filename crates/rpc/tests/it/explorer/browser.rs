//! A Chromium that is driven by chromedriver, whose commands are JSON over HTTP.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::web::now;

/// How long anything on a page may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// The name under which the driver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys, as the driver knows them.
pub(crate) mod key {
    pub(crate) const TAB: &str = "\u{e004}";
    pub(crate) const ENTER: &str = "\u{e007}";
    pub(crate) const ESCAPE: &str = "\u{e00c}";
    pub(crate) const RIGHT: &str = "\u{e014}";
    pub(crate) const DOWN: &str = "\u{e015}";
    /// Selects the whole text of a field.
    pub(crate) const ALL: &str = "\u{e009}a\u{e000}";
}

/// A window of a browser.
pub(crate) struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
}

/// The size of a window, and its colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) scheme: &'static str,
}

pub(crate) const DESKTOP: Screen = Screen {
    width: 1_280,
    height: 900,
    scheme: "light",
};
pub(crate) const TELEPHONE: Screen = Screen {
    width: 360,
    height: 740,
    scheme: "light",
};

/// Starts a driver on a free port. `None` if it has ended.
fn start() -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver is there: apt-get install chromium chromium-driver");
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    if port.is_none() {
        driver.wait().unwrap();
    }
    Some((driver, port?))
}

impl Browser {
    /// Opens a window.
    pub(crate) fn open(screen: Screen) -> Self {
        // A free port of IPv4 may be taken in IPv6: then the driver ends.
        let (driver, port) = (0..5).find_map(|_| start()).expect("chromedriver starts");
        let mut browser = Self {
            driver,
            address: ([127, 0, 0, 1], port).into(),
            session: String::new(),
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": 60_000 },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = browser.send("POST", "/session", &wanted);
        browser.session = opened["sessionId"].as_str().unwrap().to_owned();
        browser.resize(screen);
        browser
    }

    /// Sends a command to the driver.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = match method {
            "POST" => body.to_string(),
            _ => String::new(),
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let stream = TcpStream::connect(self.address).unwrap();
        (&stream).write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(found) = line.strip_prefix("content-length:") {
                length = found.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let error = &answer["value"]["error"];
        assert!(
            !error.is_string(),
            "{method} {path}: {error}: {}",
            answer["value"]["message"]
        );
        answer["value"].clone()
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        self.send(
            "POST",
            &format!("/session/{}/{command}", self.session),
            body,
        )
    }

    /// Makes the window that of another screen.
    pub(crate) fn resize(&self, screen: Screen) {
        let Screen {
            width,
            height,
            scheme,
        } = screen;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    }

    /// Runs a script in every page before its own.
    pub(crate) fn before_pages(&self, source: &str) {
        let source = json!({ "source": source });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &source);
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("goog/cdp/execute", &body);
    }

    /// Shows a page and waits until it is there.
    pub(crate) fn show(&self, page: &str) {
        // A page whose address differs after # alone would not be loaded again.
        self.post("url", &json!({ "url": "about:blank" }));
        self.post("url", &json!({ "url": page }));
        let script = "return document.readyState === 'complete' \
            && document.querySelector('h1') !== null \
            && document.querySelector('[aria-busy], .loading') === null";
        self.until("the page is there", script);
    }

    /// Waits until a script returns true.
    pub(crate) fn until(&self, what: &str, script: &str) {
        let began = now();
        while self.run(script) != json!(true) {
            if began.elapsed() > PATIENCE {
                let complaints = self.complaints();
                panic!("not in time: {what}\n{}\n{complaints:?}", self.text("body"));
            }
            thread::sleep(Duration::from_millis(40));
        }
    }

    /// Waits until the page has this text.
    pub(crate) fn until_text(&self, text: &str) {
        let script = format!(
            "return document.querySelector('main').innerText.includes({})",
            json!(text)
        );
        self.until(&format!("the text {text:?}"), &script);
    }

    /// Runs a script in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs the body of an async function in the page, with an argument by the name `given`.
    pub(crate) fn run_async(&self, body: &str, given: &Value) -> Value {
        let script = format!(
            "const [given, done] = arguments;
             (async () => {{ {body} }})().then(done, (error) => done('failed: ' + error.stack));"
        );
        self.post(
            "execute/async",
            &json!({ "script": script, "args": [given] }),
        )
    }

    /// The text of what a selector finds first.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = format!(
            "return document.querySelector({})?.innerText ?? ''",
            json!(selector)
        );
        self.run(&script).as_str().unwrap().to_owned()
    }

    /// Clicks what a selector finds first.
    pub(crate) fn click(&self, selector: &str) {
        self.click_found("css selector", selector);
    }

    /// Clicks the link or button with this text.
    pub(crate) fn press(&self, text: &str) {
        let kinds = "self::a or self::button or self::summary";
        let path = format!("//main//*[({kinds}) and normalize-space()={}]", json!(text));
        self.click_found("xpath", &path);
    }

    fn click_found(&self, using: &str, value: &str) {
        let found = self.post("element", &json!({ "using": using, "value": value }));
        let element = found[ELEMENT].as_str().unwrap();
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// Types into what has the focus.
    pub(crate) fn keys(&self, keys: &str) {
        let path = format!("/session/{}/element/active", self.session);
        let found = self.send("GET", &path, &Value::Null);
        let element = found[ELEMENT].as_str().unwrap();
        self.post(
            &format!("element/{element}/value"),
            &json!({ "text": keys }),
        );
    }

    /// Puts an image of the page into the folder that `FUSEE_SCREENSHOTS` names, if it does.
    pub(crate) fn photograph(&self, name: &str) {
        #[expect(
            clippy::disallowed_methods,
            reason = "images are for a person to ask for"
        )]
        let folder = std::env::var("FUSEE_SCREENSHOTS");
        if let Ok(folder) = folder {
            let path = format!("/session/{}/screenshot", self.session);
            let image = self.send("GET", &path, &Value::Null);
            let image = BASE64.decode(image.as_str().unwrap().as_bytes()).unwrap();
            fs::create_dir_all(&folder).unwrap();
            fs::write(format!("{folder}/{name}.png"), image).unwrap();
        }
    }

    /// What the console has had since the last call: warnings and errors.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser, and answers nothing if it has ended before.
        if !self.session.is_empty() && !thread::panicking() {
            let path = format!("/session/{}", self.session);
            self.send("DELETE", &path, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
