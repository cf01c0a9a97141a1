//! The values of the settings, each with where it comes from: a flag, else the environment, else
//! the file, else the default.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fmt::{self, Display},
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{
    file,
    settings::{PREFIX, SETTINGS, Setting},
};
use crate::{
    args::NodeArgs,
    failure::{Exit, Failure},
    names,
};

/// The configuration file in a data folder.
pub(crate) const FILE: &str = "node.toml";

/// The default data folder.
const DATA: &str = ".fusee";

/// The variable of the path of the file, which is no setting.
const CONFIG_VARIABLE: &str = "FUSEE_NODE_CONFIG";

/// The values of all settings that have one.
#[derive(Debug)]
pub(crate) struct Values {
    values: BTreeMap<&'static str, Value>,
    /// The data folder. `None`: a temporary one.
    pub(crate) data: Option<PathBuf>,
    /// The configuration file, if it is there.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag(&'static str),
    Environment(String),
    File { path: PathBuf, line: usize },
    Default,
    DevelopmentDefault,
}

impl Values {
    /// Gathers them.
    pub(crate) fn gather(args: &NodeArgs) -> Result<Self, Failure> {
        let mut data = args.place.data.clone();
        if data.is_none() && !args.development.dev {
            data = Some(PathBuf::from(DATA));
        }
        let mut all = Self {
            values: BTreeMap::new(),
            file: config_file(args, data.as_deref()),
            data,
        };
        if let Some(path) = &all.file {
            let text = match fs::read_to_string(path) {
                Ok(text) => Some(text),
                // The file in the data folder need not be there.
                Err(error) if missing(&error) && args.place.config.is_none() => None,
                Err(error) => {
                    let message = format!("cannot read `{}`", path.display());
                    let error = anyhow::Error::new(error).context(message);
                    return Err(Failure::new(Exit::Usage, error)
                        .next("check the path, or write one with `fusee node config init`"));
                }
            };
            match text {
                Some(text) => all.values.extend(file::parse(path, &text)?),
                None => all.file = None,
            }
        }
        all.values.extend(environment(env::vars_os())?);
        for (name, text) in &args.settings.0 {
            if let Some(setting) = Setting::named(name) {
                let source = Source::Flag(setting.flag);
                let text = text.clone();
                all.values.insert(setting.name, Value { text, source });
            }
        }
        let has_engine = all.values.contains_key("consensus.abci");
        for setting in SETTINGS {
            let default = match setting.default {
                Some(_) if has_engine && setting.name == "rpc.listen" => Some("off"),
                default => default,
            };
            let (default, source) = match setting.development.filter(|_| args.development.dev) {
                Some(default) => (Some(default), Source::DevelopmentDefault),
                None => (default, Source::Default),
            };
            let value = default.map(|text| Value {
                text: text.to_owned(),
                source,
            });
            if let Some(value) = value {
                all.values.entry(setting.name).or_insert(value);
            }
        }
        Ok(all)
    }

    /// The value of a setting, and where it comes from.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The text of a setting.
    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        Some(&self.value(name)?.text)
    }

    /// A setting as a value of another type.
    pub(crate) fn parse<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Failure> {
        self.parse_by(name, |text| {
            text.parse().map_err(|error: T::Err| error.to_string())
        })
    }

    /// A setting that has a default, as a value of another type.
    pub(crate) fn required<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<T, Failure> {
        let value = self.parse(name)?;
        value.ok_or_else(|| self.wrong(name, "it has no value"))
    }

    /// A setting as a function reads it.
    pub(crate) fn parse_by<T, E: Display>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        let text = self.text(name);
        let parsed = text.map(parse).transpose();
        parsed.map_err(|reason| self.wrong(name, reason))
    }

    /// The values of a list.
    pub(crate) fn list(&self, name: &'static str) -> Vec<String> {
        let values = self.text(name).unwrap_or_default().split(',');
        let values = values.map(str::trim).filter(|value| !value.is_empty());
        values.map(str::to_owned).collect()
    }

    /// The failure of a setting whose value is none.
    pub(crate) fn wrong(&self, name: &'static str, reason: impl Display) -> Failure {
        let (text, source) = match self.value(name) {
            Some(value) => (value.text.as_str(), value.source.to_string()),
            None => ("", Source::Default.to_string()),
        };
        let about = Setting::named(name).map_or("", |setting| setting.about);
        Failure::usage(format!("`{name}` is `{text}` ({source}): {reason}"))
            .next(format!("it is: {about}"))
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => write!(f, "flag --{flag}"),
            Source::Environment(variable) => write!(f, "variable {variable}"),
            Source::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Source::Default => f.write_str("default"),
            Source::DevelopmentDefault => f.write_str("default of --dev"),
        }
    }
}

fn missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn config_file(args: &NodeArgs, data: Option<&Path>) -> Option<PathBuf> {
    let given = args.place.config.clone();
    given.or_else(|| Some(data?.join(FILE)))
}

/// The values in the environment.
pub(super) fn environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<&'static str, Value>, Failure> {
    let mut values = BTreeMap::new();
    for (variable, text) in variables {
        let Some(variable) = variable.to_str() else {
            continue;
        };
        if !variable.starts_with(PREFIX) || variable == CONFIG_VARIABLE {
            continue;
        }
        let setting = SETTINGS.iter().find(|it| it.variable() == variable);
        let Some(setting) = setting else {
            let known: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
            return Err(unknown(
                format!("there is no setting for the variable `{variable}`"),
                variable,
                known.iter().map(String::as_str),
            ));
        };
        let text = text.into_string().map_err(|_| {
            Failure::usage(format!("the variable `{variable}` is not UTF-8"))
                .next(format!("it is: {}", setting.about))
        })?;
        let source = Source::Environment(variable.to_owned());
        values.insert(setting.name, Value { text, source });
    }
    Ok(values)
}

/// The failure of a setting that there is not, with the most similar one.
pub(super) fn unknown<'a>(
    message: String,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Failure {
    let next = match names::nearest(name, known) {
        Some(nearest) => format!("did you mean `{nearest}`? "),
        None => String::new(),
    };
    Failure::usage(message).next(format!("{next}`fusee node config show` has all settings"))
}

#[cfg(test)]
mod tests;
