//! `name`: names of addresses.

use fusee::keystore::Keystore;
use serde::Serialize;

use crate::{
    addresses,
    args::{NameArgs, NameVerb, SetNameArgs},
    book::Book,
    chain::Chain,
    failure::{Exit, Failure},
    output::Output,
    receipt::line,
    table::table,
};

#[derive(Serialize)]
struct NamesJson {
    file: String,
    names: Vec<NameJson>,
}

#[derive(Serialize)]
struct NameJson {
    name: String,
    address: String,
}

pub(crate) fn run(args: &NameArgs, output: &mut Output) -> Result<Exit, Failure> {
    match &args.verb {
        NameVerb::Set(args) => set(args, output),
        NameVerb::List(args) => list(&Chain::existing(&args.chain)?.book()?, output),
        NameVerb::Remove(args) => {
            let mut book = Chain::existing(&args.chain)?.book()?;
            let address = book.remove(&args.name)?;
            let answer = NameJson {
                name: args.name.clone(),
                address: address.to_string(),
            };
            output.answer(&answer, || table(0, &[line("removed", &answer.name)]))?;
            Ok(Exit::Success)
        }
    }
}

fn set(args: &SetNameArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::existing(&args.chain)?;
    let keystore = Keystore::new(args.keys.keys.clone());
    let address = addresses::resolve(&args.address, &chain.state()?, Some(&keystore))?;
    addresses::check_no_key(&args.name, &keystore)?;
    chain.book()?.set(&args.name, address)?;
    let answer = NameJson {
        name: args.name.clone(),
        address: address.to_string(),
    };
    output.answer(&answer, || {
        table(
            0,
            &[line("name", &answer.name), line("address", &answer.address)],
        )
    })?;
    Ok(Exit::Success)
}

fn list(book: &Book, output: &mut Output) -> Result<Exit, Failure> {
    let names = book.names().map(|(name, address)| NameJson {
        name: name.to_owned(),
        address: address.to_string(),
    });
    let answer = NamesJson {
        file: book.file().display().to_string(),
        names: names.collect(),
    };
    output.answer(&answer, || match answer.names.as_slice() {
        [] => "no names yet: give one with `fusee name set NAME ADDRESS`\n".to_owned(),
        names => {
            let mut rows = vec![["name", "address"].map(str::to_owned)];
            rows.extend(names.iter().map(|it| [it.name.clone(), it.address.clone()]));
            table(0, &rows)
        }
    })?;
    Ok(Exit::Success)
}
