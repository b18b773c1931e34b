//! The properties a case can show: stable ids, in the order of the catalogue.

/// One property of Pods on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropertyInfo {
    /// Stable id: `N3`.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The part of a Pod it belongs to.
    pub group: &'static str,
}

/// The property of that id.
pub fn property(id: &str) -> Option<&'static PropertyInfo> {
    PROPERTIES.iter().find(|property| property.id == id)
}

const fn row(id: &'static str, title: &'static str, group: &'static str) -> PropertyInfo {
    PropertyInfo { id, title, group }
}

const NAMESPACES: &str = "Namespaces";
const PID: &str = "PID";
const IPC_AND_DEVSHM: &str = "IPC and /dev/shm";
const HOST_NAME: &str = "Host name";
const NETWORK: &str = "Network";
const MOUNTS_AND_VOLUMES: &str = "Mounts and volumes";
const CGROUPS: &str = "Cgroups";
const LIMITS_AND_SCORES: &str = "Limits and scores";
const QOS_CLASS: &str = "QoS class";
const SECURITY_CONTEXT: &str = "Security context";
const DEVICES: &str = "Devices";
const SYSCTLS: &str = "Sysctls";
const USER_NAMESPACES: &str = "User namespaces";
const LIFECYCLE: &str = "Lifecycle";
const BAD_INPUT: &str = "Bad input";

/// All of them.
pub const PROPERTIES: &[PropertyInfo] = &[
    row("N1", "network namespace shared in the Pod", NAMESPACES),
    row("N2", "IPC namespace shared in the Pod", NAMESPACES),
    row("N3", "UTS namespace shared in the Pod", NAMESPACES),
    row("N4", "mount namespace of each container's own", NAMESPACES),
    row("N5", "PID namespace of each container's own by default", NAMESPACES),
    row("N6", "cgroup namespace of each container", NAMESPACES),
    row("N7", "user namespace", NAMESPACES),
    row("N8", "time namespace is the host's", NAMESPACES),
    row("N9", "namespaces end with the Pod", NAMESPACES),
    row("N10", "two Pods share no namespace", NAMESPACES),
    row("P1", "each container is PID 1 to itself", PID),
    row("P2", "shareProcessNamespace", PID),
    row("P3", "pause runs only where it is needed", PID),
    row("P4", "hostPID", PID),
    row("P5", "PID namespace of a target container", PID),
    row("P6", "no process left with the host's PID namespace", PID),
    row("P7", "stopping one container spares its neighbours", PID),
    row("I1", "SysV shared memory within the Pod", IPC_AND_DEVSHM),
    row("I2", "one /dev/shm for the Pod", IPC_AND_DEVSHM),
    row("I3", "size and flags of /dev/shm", IPC_AND_DEVSHM),
    row("I4", "hostIPC", IPC_AND_DEVSHM),
    row("I5", "POSIX message queues within the Pod", IPC_AND_DEVSHM),
    row("U1", "host name of the Pod", HOST_NAME),
    row("U2", "a host name set by one container is seen by the others", HOST_NAME),
    row("U3", "hostNetwork comes with the host's UTS namespace", HOST_NAME),
    row("U4", "hostNetwork and a host name of its own", HOST_NAME),
    row("U5", "fully qualified and overridden host names", HOST_NAME),
    row("T1", "loopback shared in the Pod", NETWORK),
    row("T2", "loopback up and an address of the Pod's own", NETWORK),
    row("T3", "hostNetwork", NETWORK),
    row("T4", "resolv.conf", NETWORK),
    row("T5", "/etc/hosts", NETWORK),
    row("T6", "hostPort", NETWORK),
    row("T7", "nothing left of the network after a failure", NETWORK),
    row("T8", "default network sysctls", NETWORK),
    row("M1", "root file system of each container's own", MOUNTS_AND_VOLUMES),
    row("M2", "volumes shared by containers", MOUNTS_AND_VOLUMES),
    row("M3", "read-only mounts", MOUNTS_AND_VOLUMES),
    row("M4", "mount propagation", MOUNTS_AND_VOLUMES),
    row("M5", "readOnlyRootFilesystem", MOUNTS_AND_VOLUMES),
    row("M6", "masked paths", MOUNTS_AND_VOLUMES),
    row("M7", "read-only paths", MOUNTS_AND_VOLUMES),
    row("M8", "/sys/fs/cgroup is read-only", MOUNTS_AND_VOLUMES),
    row("M9", "image volumes and subPath", MOUNTS_AND_VOLUMES),
    row("M10", "linked and absent host paths", MOUNTS_AND_VOLUMES),
    row("M11", "default /dev, /proc and /sys", MOUNTS_AND_VOLUMES),
    row("M12", "a termination log of each container's own", MOUNTS_AND_VOLUMES),
    row("C1", "the Pod's cgroup with the cgroupfs driver", CGROUPS),
    row("C2", "the Pod's cgroup with the systemd driver", CGROUPS),
    row("C3", "the container's cgroup", CGROUPS),
    row("C4", "the parent's name decides the form", CGROUPS),
    row("C5", "the same cgroup in every controller", CGROUPS),
    row("C6", "containers are siblings under the Pod's cgroup", CGROUPS),
    row("C7", "a Pod without pause has a cgroup too", CGROUPS),
    row("C8", "the Pod's cgroup goes with the Pod", CGROUPS),
    row("C9", "a cgroup that is there already", CGROUPS),
    row("C10", "exec joins the container's cgroup", CGROUPS),
    row("C11", "cgroups of the QoS classes", CGROUPS),
    row("L1", "memory limit", LIMITS_AND_SCORES),
    row("L2", "memory limits are whole pages", LIMITS_AND_SCORES),
    row("L3", "swap limit", LIMITS_AND_SCORES),
    row("L4", "memory.high", LIMITS_AND_SCORES),
    row("L5", "memory.min and memory.low", LIMITS_AND_SCORES),
    row("L6", "memory.oom.group", LIMITS_AND_SCORES),
    row("L7", "what happens beyond the memory limit", LIMITS_AND_SCORES),
    row("L8", "CPU limit", LIMITS_AND_SCORES),
    row("L9", "systemd's rounding of the CPU limit", LIMITS_AND_SCORES),
    row("L10", "limits of the Pod as a whole", LIMITS_AND_SCORES),
    row("L11", "CPU share of a container", LIMITS_AND_SCORES),
    row("L12", "CPU share of the Pod", LIMITS_AND_SCORES),
    row("L13", "cpu.idle of BestEffort Pods", LIMITS_AND_SCORES),
    row("L14", "cpuset", LIMITS_AND_SCORES),
    row("L15", "number of processes", LIMITS_AND_SCORES),
    row("L16", "huge pages", LIMITS_AND_SCORES),
    row("L17", "oom_score_adj", LIMITS_AND_SCORES),
    row("L18", "any other setting of a cgroup", LIMITS_AND_SCORES),
    row("L19", "overhead", LIMITS_AND_SCORES),
    row("L20", "resizing in place", LIMITS_AND_SCORES),
    row("L21", "resources of the Pod", LIMITS_AND_SCORES),
    row("L22", "limits bind", LIMITS_AND_SCORES),
    row("Q1", "BestEffort", QOS_CLASS),
    row("Q2", "Guaranteed", QOS_CLASS),
    row("Q3", "Burstable", QOS_CLASS),
    row("S1", "user, group and supplementary groups", SECURITY_CONTEXT),
    row("S2", "runAsNonRoot", SECURITY_CONTEXT),
    row("S3", "capabilities", SECURITY_CONTEXT),
    row("S4", "no effective capabilities without root", SECURITY_CONTEXT),
    row("S5", "privileged", SECURITY_CONTEXT),
    row("S6", "no_new_privs", SECURITY_CONTEXT),
    row("S7", "seccomp", SECURITY_CONTEXT),
    row("S8", "AppArmor and SELinux labels", SECURITY_CONTEXT),
    row("S9", "procMount", SECURITY_CONTEXT),
    row("S10", "umask, resource limits and scheduling", SECURITY_CONTEXT),
    row("D1", "device rules", DEVICES),
    row("D2", "no way back through /proc/<pid>/exe", DEVICES),
    row("Y1", "safe sysctls", SYSCTLS),
    row("Y2", "sysctls of namespaces", SYSCTLS),
    row("Y3", "sysctls together with host namespaces", SYSCTLS),
    row("Y4", "the host's sysctls stay as they are", SYSCTLS),
    row("X1", "mapping of a user namespace", USER_NAMESPACES),
    row("X2", "user namespaces of two Pods do not overlap", USER_NAMESPACES),
    row("X3", "volumes keep their owners", USER_NAMESPACES),
    row("X4", "invalid mappings are refused", USER_NAMESPACES),
    row("F1", "order of init containers", LIFECYCLE),
    row("F2", "sidecars", LIFECYCLE),
    row("F3", "restartPolicy", LIFECYCLE),
    row("F4", "stopping", LIFECYCLE),
    row("F5", "lifecycle hooks", LIFECYCLE),
    row("F6", "stopping and removing twice", LIFECYCLE),
    row("F7", "death of the sandbox", LIFECYCLE),
    row("F8", "restart of the runtime", LIFECYCLE),
    row("F9", "nothing is left behind", LIFECYCLE),
    row("F10", "what a container prints is its log", LIFECYCLE),
    row("F11", "output and exit status of what is run in a container", LIFECYCLE),
    row("F12", "arguments, variables and directory of a container's process", LIFECYCLE),
    row("B1", "a command or directory that is not there", BAD_INPUT),
    row("B2", "limits that cannot be", BAD_INPUT),
    row("B3", "a malformed cgroup parent", BAD_INPUT),
    row("B4", "an unknown namespace", BAD_INPUT),
    row("B5", "an invalid sysctl", BAD_INPUT),
    row("B6", "an invalid CPU period or quota", BAD_INPUT),
    row("B7", "read-only mounts that cannot be", BAD_INPUT),
    row("B8", "a cgroup setting that does not exist", BAD_INPUT),
    row("B9", "a request without metadata", BAD_INPUT),
    row("B10", "hostPort or host name on a container that joins", BAD_INPUT),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_belong_to_one_group_by_their_letter() {
        let ids: HashSet<&str> = PROPERTIES.iter().map(|property| property.id).collect();
        assert_eq!(ids.len(), PROPERTIES.len());
        for pair in PROPERTIES.windows(2) {
            assert_eq!(
                pair[0].id[..1] == pair[1].id[..1],
                pair[0].group == pair[1].group,
                "{} {}",
                pair[0].id,
                pair[1].id
            );
        }
        assert_eq!(property("N3").map(|property| property.title), Some("UTS namespace shared in the Pod"));
        assert_eq!(property("n3"), None);
    }
}
