//! A Chromium that is driven by chromedriver.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use hyper::{Method, http};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// How long anything on a page may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A window of a browser. Closing it reports what its console had.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
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

/// A command that Chromium has beyond the standard.
#[derive(Debug)]
struct Extension(&'static str, Value);

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.0
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// Opens a window.
    pub(crate) async fn open(screen: Screen) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: apt-get install chromium chromium-driver");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let started = lines
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("successfully on port ")?.1.to_owned()))
            .expect("chromedriver starts");
        let port = started.trim_end_matches('.');
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        let browser = Self { client, driver };
        browser.resize(screen).await;
        browser
    }

    /// Makes the window that of another screen.
    pub(crate) async fn resize(&self, screen: Screen) {
        let Screen {
            width,
            height,
            scheme,
        } = screen;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    /// Runs a script in every page before its own.
    pub(crate) async fn before_pages(&self, source: &str) {
        let source = json!({ "source": source });
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source)
            .await;
    }

    async fn cdp(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client
            .issue_cmd(Extension("goog/cdp/execute", body))
            .await
            .unwrap()
    }

    /// Shows a page and waits until it is there.
    pub(crate) async fn show(&self, page: &str) {
        self.client.goto(page).await.unwrap();
        self.settle().await;
    }

    /// Waits until nothing on the page is being loaded.
    pub(crate) async fn settle(&self) {
        let script = "return document.readyState === 'complete' \
            && document.querySelector('h1') !== null \
            && document.querySelector('[aria-busy], .loading') === null";
        self.until("the page is there", script).await;
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, what: &str, script: &str) {
        let began = Instant::now();
        while self.run(script).await != json!(true) {
            let body = self.text("body").await;
            assert!(began.elapsed() < PATIENCE, "not in time: {what}\n{body}");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Waits until the page has this text.
    pub(crate) async fn until_text(&self, text: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(text));
        self.until(&format!("the text {text:?}"), &script).await;
    }

    /// Runs a script in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Runs the body of an async function in the page, with an argument by the name `given`.
    pub(crate) async fn run_async(&self, body: &str, given: Value) -> Value {
        let script = format!(
            "const [given, done] = arguments; (async () => {{ {body} }})().then(done, (error) => done('failed: ' + error.stack));"
        );
        self.client
            .execute_async(&script, vec![given])
            .await
            .unwrap()
    }

    /// The text of what a selector finds first.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let script = format!(
            "return document.querySelector({})?.innerText ?? ''",
            json!(selector)
        );
        self.run(&script).await.as_str().unwrap().to_owned()
    }

    /// Clicks what a selector finds first.
    pub(crate) async fn click(&self, selector: &str) {
        self.client
            .find(Locator::Css(selector))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// Clicks the link or button with this text.
    pub(crate) async fn press(&self, text: &str) {
        let path = format!(
            "//*[(self::a or self::button or self::summary) and normalize-space()={}]",
            json!(text)
        );
        self.client
            .find(Locator::XPath(&path))
            .await
            .unwrap()
            .click()
            .await
            .unwrap();
    }

    /// Types into what has the focus.
    pub(crate) async fn keys(&self, keys: &str) {
        self.client
            .active_element()
            .await
            .unwrap()
            .send_keys(keys)
            .await
            .unwrap();
    }

    /// Puts an image of the page into the folder that `FUSEE_SCREENSHOTS` names, if it does.
    pub(crate) async fn photograph(&self, name: &str) {
        if let Ok(folder) = std::env::var("FUSEE_SCREENSHOTS") {
            fs::create_dir_all(&folder).unwrap();
            fs::write(
                format!("{folder}/{name}.png"),
                self.client.screenshot().await.unwrap(),
            )
            .unwrap();
        }
    }

    /// What the console has had since the last call: warnings and errors.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self
            .client
            .issue_cmd(Extension("se/log", json!({ "type": "browser" })))
            .await
            .unwrap();
        let entries = log.as_array().unwrap().iter();
        entries
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Closes the window. Its console has to be without warnings and errors.
    pub(crate) async fn close(self) {
        assert_eq!(self.complaints().await, Vec::<String>::new());
        self.end().await;
    }

    /// Closes the window, whatever its console has.
    pub(crate) async fn end(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser. It has ended already, unless a test failed.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
