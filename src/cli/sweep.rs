//! `podcheck sweep`: removes what killed runs left.

use super::{Failure, Status, output};

pub(super) fn sweep() -> Result<Status, Failure> {
    let report = crate::host::sweep_unheld().map_err(Failure::broken)?;
    output::print(&format!("{report}\n"));
    Ok(Status::Conforms)
}
