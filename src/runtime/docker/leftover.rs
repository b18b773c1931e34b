//! What podchecks that were killed have left on a Docker that is not theirs: its containers, by their label, and then
//! podcheck's images. On a private Docker nothing is left, as nothing is left of it.

use super::client::{Client, QUICK, SLOW, words};
use crate::host::Run;
use crate::runtime::RuntimeError;

/// The label that names the run of a container.
pub(super) const RUN: &str = "podcheck.run";
/// The label that says where that run's directory is.
pub(super) const PLACE: &str = "podcheck.place";

/// A container with our label.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Labelled<'a> {
    id: &'a str,
    run: &'a str,
    place: &'a str,
    image: &'a str,
}

/// Removes the containers of runs that are known to be no more, and their images where nobody else uses them.
pub(super) fn sweep(client: &Client, run: &Run) -> Result<(), RuntimeError> {
    let format = format!("--format={{{{.ID}}}} {{{{.Label \"{RUN}\"}}}} {{{{.Label \"{PLACE}\"}}}} {{{{.Image}}}}");
    let filter = format!("--filter=label={RUN}");
    let text = client.read("look for what is left of killed runs", &words(["ps", "--all", &filter, &format]), QUICK)?;
    let dead: Vec<Labelled<'_>> =
        parse(&text).into_iter().filter(|found| run.is_over(found.run, found.place)).collect();
    if dead.is_empty() {
        return Ok(());
    }
    let mut arguments = words(["rm", "--force", "--volumes"]);
    arguments.extend(dead.iter().map(|found| found.id.to_owned()));
    // Several may do this at once: what is gone already is no failure, and what stays is the next one's.
    client.run("remove what is left of killed runs", &arguments, SLOW)?;
    let mut arguments = words(["image", "rm"]);
    arguments
        .extend(dead.iter().map(|found| found.image.to_owned()).filter(|image| image.starts_with("podcheck.local/")));
    client.run("remove what is left of killed runs", &arguments, SLOW).map(|_| ())
}

fn parse(text: &str) -> Vec<Labelled<'_>> {
    let labelled = text.lines().filter_map(|line| {
        let mut fields = line.splitn(4, ' ');
        Some(Labelled { id: fields.next()?, run: fields.next()?, place: fields.next()?, image: fields.next()? })
    });
    // A label of another form is nobody's we know.
    labelled.filter(|found| found.run.len() == 8 && found.run.bytes().all(|b| b.is_ascii_alphanumeric())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_containers_with_a_runs_label_are_ours() {
        let text = "1f abcd1234 boot/0:1 podcheck.local/pause:1\n2e ../../etc p x\n3d   y\n4c\n";
        let ours = Labelled { id: "1f", run: "abcd1234", place: "boot/0:1", image: "podcheck.local/pause:1" };
        assert_eq!(parse(text), [ours]);
    }
}
