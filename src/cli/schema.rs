//! `podcheck schema`: JSON schemas of what podcheck reads and writes.

use super::args::{SchemaArgs, SchemaOf};
use super::{Failure, Status, output};
use crate::report::Results;

pub(super) fn schema(args: &SchemaArgs) -> Result<Status, Failure> {
    let schema = match args.of {
        SchemaOf::Case => crate::case::schema(),
        SchemaOf::Result => schemars::schema_for!(Results).to_value(),
    };
    output::print(&format!("{schema:#}\n"))?;
    Ok(Status::Conforms)
}
