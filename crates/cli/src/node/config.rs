//! `node config`: shows and writes the configuration.

use std::{fs, io::Write, path::PathBuf};

use fusee::chain::DataFolder;
use serde::Serialize;

use super::{
    file,
    options::Settings,
    settings::SETTINGS,
    values::{FILE, Values},
};
use crate::{
    args::{ConfigVerb, NodeArgs},
    failure::{Exit, Failure},
    output::Output,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct ShownJson {
    /// `None`: a temporary folder.
    data: Option<String>,
    file: Option<String>,
    settings: Vec<SettingJson>,
}

#[derive(Serialize)]
struct SettingJson {
    name: &'static str,
    value: Option<String>,
    source: String,
    variable: String,
    flag: String,
}

#[derive(Serialize)]
struct WrittenJson {
    file: String,
}

pub(super) fn run(
    verb: &ConfigVerb,
    args: &NodeArgs,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match verb {
        ConfigVerb::Show => show(args, output),
        ConfigVerb::Init => init(args, output),
    }
}

fn show(args: &NodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let values = Values::gather(args)?;
    // A value that the node would refuse is refused here as well.
    Settings::of(&values)?;
    let settings = SETTINGS.iter().map(|setting| {
        let value = values.value(setting.name);
        SettingJson {
            name: setting.name,
            value: value.map(|value| value.text.clone()),
            source: value.map_or_else(|| "default".to_owned(), |value| value.source.to_string()),
            variable: setting.variable(),
            flag: format!("--{}", setting.flag),
        }
    });
    let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let answer = ShownJson {
        data: shown(&values.data),
        file: shown(&values.file),
        settings: settings.collect(),
    };
    output.answer(&answer, || answer.text())?;
    Ok(Exit::Success)
}

fn init(args: &NodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let data = args.place.data.clone().unwrap_or_else(|| ".fusee".into());
    let path = match &args.place.config {
        Some(path) => path.clone(),
        // A folder that has a file already would not become that of a chain.
        None if DataFolder::open(&data)?.is_none() => {
            return Err(Failure::usage(format!("`{}` has no chain", data.display()))
                .next("make it first with `fusee init`, or name another file with --config"));
        }
        None => data.join(FILE),
    };
    let failed = |error: std::io::Error| {
        let next = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "edit it, or name another file with --config",
            _ => "choose a file in a folder that can be written, with --config",
        };
        let message = format!("cannot write `{}`", path.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(message)).next(next)
    };
    let mut created = fs::File::create_new(&path).map_err(failed)?;
    created
        .write_all(file::written(&[]).as_bytes())
        .map_err(failed)?;
    let answer = WrittenJson {
        file: path.display().to_string(),
    };
    output.answer(&answer, || table(0, &[line("written", &answer.file)]))?;
    Ok(Exit::Success)
}

impl ShownJson {
    fn text(&self) -> String {
        let mut rows = vec![["setting", "value", "from"].map(str::to_owned)];
        rows.extend(self.settings.iter().map(|setting| {
            let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
            [setting.name.to_owned(), value, setting.source.clone()]
        }));
        let data = self.data.as_deref().unwrap_or("a temporary folder");
        let file = self.file.as_deref().unwrap_or("none");
        let head = table(0, &[line("data", data), line("file", file)]);
        format!("{head}\n{}", table(0, &rows))
    }
}
