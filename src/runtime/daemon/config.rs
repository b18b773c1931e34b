//! What a private containerd is configured with: its own file, and CNI's.

use super::network::Network;
use super::oci::Oci;
use std::fmt::Write;
use std::path::Path;

/// The choices behind a containerd configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config<'a> {
    /// First number of containerd's version: 2 has another form of configuration.
    pub major: u32,
    /// The daemon's folder.
    pub dir: &'a Path,
    /// The image of the pause process.
    pub sandbox_image: &'a str,
    /// Without CAP_SYS_RESOURCE a score below the daemon's own is refused, the sandbox's −998 among them.
    pub may_lower_oom_score: bool,
    /// The folder of CNI's plugins.
    pub cni_plugins: &'a Path,
    /// The OCI runtime.
    pub oci: &'a Oci,
    /// Whether systemd is there, which the second handler has make cgroups.
    pub systemd: bool,
}

/// The handler of an OCI runtime that has systemd make its cgroups.
pub(super) fn systemd_handler(oci: &Oci) -> String {
    format!("{}-systemd", oci.handler)
}

/// Snapshotters that are never used here and that try to load kernel modules to find out whether they could be.
const DISABLED: [&str; 4] = [
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
];

impl Config<'_> {
    /// config.toml.
    pub fn render(&self) -> String {
        let dir = |name: &str| quoted(&self.dir.join(name).to_string_lossy());
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        };
        line(format!("version = {}", if self.major >= 2 { 3 } else { 2 }));
        line(format!("root = {}", dir("root")));
        line(format!("state = {}", dir("state")));
        line(format!("disabled_plugins = [{}]", DISABLED.map(quoted).join(", ")));
        line("[grpc]".to_owned());
        line(format!("  address = {}", dir("containerd.sock")));
        line("[plugins.\"io.containerd.internal.v1.opt\"]".to_owned());
        line(format!("  path = {}", dir("opt")));
        // Known since 1.7, on by default since 2.0: it would open a socket in the host's /run/nri.
        line("[plugins.\"io.containerd.nri.v1.nri\"]".to_owned());
        line("  disable = true".to_owned());
        let (images, runtime) = if self.major >= 2 {
            ("io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime")
        } else {
            ("io.containerd.grpc.v1.cri", "io.containerd.grpc.v1.cri")
        };
        if self.major >= 2 {
            line(format!("[plugins.{}.pinned_images]", quoted(images)));
            line(format!("  sandbox = {}", quoted(self.sandbox_image)));
        }
        line("[plugins.\"io.containerd.grpc.v1.cri\"]".to_owned());
        line("  stream_server_address = \"127.0.0.1\"".to_owned());
        if self.major >= 2 {
            line(format!("[plugins.{}]", quoted(runtime)));
        } else {
            line(format!("  sandbox_image = {}", quoted(self.sandbox_image)));
        }
        line(format!("  restrict_oom_score_adj = {}", !self.may_lower_oom_score));
        // Without the first of these containerd drops limits of huge pages, and says nothing. Both are true by default; before
        // 1.5 there was only the second.
        // Source: containerd 1.6 pkg/cri/config/config_unix.go, 2.0 internal/cri/config/config_unix.go.
        line("  disable_hugetlb_controller = false".to_owned());
        line("  tolerate_missing_hugetlb_controller = true".to_owned());
        line(format!("[plugins.{}.cni]", quoted(runtime)));
        line(format!("  bin_dir = {}", quoted(&self.cni_plugins.to_string_lossy())));
        line(format!("  conf_dir = {}", dir("cni")));
        line(format!("[plugins.{}.containerd]", quoted(runtime)));
        line(format!("  default_runtime_name = {}", quoted(&self.oci.handler)));
        let handlers = [(self.oci.handler.clone(), false), (systemd_handler(self.oci), true)];
        for (handler, by_systemd) in handlers.into_iter().filter(|(_, by_systemd)| self.systemd || !by_systemd) {
            let handler = format!("plugins.{}.containerd.runtimes.{}", quoted(runtime), quoted(&handler));
            line(format!("[{handler}]"));
            line("  runtime_type = \"io.containerd.runc.v2\"".to_owned());
            line(format!("[{handler}.options]"));
            line(format!("  BinaryName = {}", quoted(&self.oci.path.to_string_lossy())));
            if by_systemd {
                line("  SystemdCgroup = true".to_owned());
            }
        }
        text
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The network of the daemon's Pods, for CNI's plugins. `dir` keeps the addresses that are in use.
///
/// The bridge has the gateway's address already and the plugin is not asked to be one: as a gateway it would turn on
/// forwarding on the host.
pub(super) fn cni(network: &Network, dir: &Path) -> String {
    let conf = serde_json::json!({
        "cniVersion": "0.4.0",
        "name": network.bridge,
        "plugins": [{
            "type": "bridge",
            "bridge": network.bridge,
            "isGateway": false,
            "ipMasq": false,
            "ipam": {
                "type": "host-local",
                "dataDir": dir,
                "ranges": [[{"subnet": network.subnet, "gateway": network.gateway}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    });
    format!("{conf:#}\n")
}

/// The first number of `containerd --version`.
pub(super) fn major(version: &str) -> Option<u32> {
    version_word(version)?.split('.').next()?.parse().ok()
}

/// The version in `containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3` and in
/// `Docker version 20.10.24+dfsg1, build 5d6db84`.
pub(super) fn version_word(text: &str) -> Option<&str> {
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v').trim_end_matches(','))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(major: u32) -> String {
        render_on(major, false)
    }

    fn render_on(major: u32, systemd: bool) -> String {
        let oci = Oci { handler: "crun".to_owned(), path: "/usr/bin/crun".into(), suffix: "+crun".to_owned() };
        Config {
            major,
            dir: Path::new("/run/d"),
            sandbox_image: "localhost/pause:1",
            may_lower_oom_score: false,
            cni_plugins: Path::new("/usr/lib/cni"),
            oci: &oci,
            systemd,
        }
        .render()
    }

    #[test]
    fn version_2_for_containerd_1() {
        let expected = r#"version = 2
root = "/run/d/root"
state = "/run/d/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "/run/d/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/d/opt"
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = false
  tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/run/d/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."crun"]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."crun".options]
  BinaryName = "/usr/bin/crun"
"#;
        assert_eq!(render(1), expected);
    }

    #[test]
    fn under_systemd_there_is_a_second_handler() {
        let (without, with) = (render(1), render_on(1, true));
        let second = with.strip_prefix(&without).expect("the rest is the same");
        assert_eq!(
            second,
            r#"[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."crun-systemd"]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."crun-systemd".options]
  BinaryName = "/usr/bin/crun"
  SystemdCgroup = true
"#
        );
    }

    #[test]
    fn version_3_for_containerd_2() {
        let text = render(2);
        assert!(text.starts_with("version = 3\n"));
        assert!(
            text.contains(
                "[plugins.\"io.containerd.cri.v1.images\".pinned_images]\n  sandbox = \"localhost/pause:1\"\n"
            )
        );
        assert!(text.contains("[plugins.\"io.containerd.cri.v1.runtime\"]\n  restrict_oom_score_adj = true\n"));
        assert!(
            text.contains("\n  disable_hugetlb_controller = false\n  tolerate_missing_hugetlb_controller = true\n")
        );
        assert!(text.contains("[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.\"crun\".options]"));
        assert!(!text.contains("sandbox_image"));
    }

    #[test]
    fn the_bridge_plugin_is_no_gateway() {
        let network = Network {
            bridge: "pchkb1".to_owned(),
            subnet: "10.213.1.0/24".to_owned(),
            gateway: "10.213.1.1".to_owned(),
        };
        let conf: serde_json::Value = serde_json::from_str(&cni(&network, Path::new("/run/d/ipam"))).expect("JSON");
        let plugin = &conf["plugins"][0];
        assert_eq!(plugin["isGateway"], false);
        assert_eq!(plugin["ipMasq"], false);
        assert_eq!(plugin["ipam"]["ranges"][0][0]["gateway"], "10.213.1.1");
        assert_eq!(plugin["ipam"]["dataDir"], "/run/d/ipam");
    }

    #[test]
    fn versions_as_the_daemons_print_them() {
        assert_eq!(major("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3"), Some(1));
        assert_eq!(major("containerd github.com/containerd/containerd/v2 2.1.9 1.2"), Some(2));
        assert_eq!(major("containerd containerd.io v1.7.2 abc"), Some(1));
        assert_eq!(version_word("Docker version 20.10.24+dfsg1, build 5d6db84"), Some("20.10.24+dfsg1"));
        assert_eq!(major("nothing"), None);
    }

    #[test]
    fn strings_are_quoted_as_toml_does() {
        assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
