//! Two machines and a cable, as network namespaces of Linux: real sockets, and a switch that swallows UDP.
//!
//! Needs root and iproute2. Where they are missing, [`Cable::lay`] says so and the tests that need it are skipped.

use std::process::{Command, Stdio};

/// Two namespaces with a pair of veth between them; taken away when dropped.
pub struct Cable {
    /// The namespace of the relay.
    pub relay: String,
    /// The namespace of the clients.
    pub client: String,
    /// The relay's address.
    pub address: String,
}

impl Cable {
    /// Connects two fresh namespaces.
    ///
    /// # Errors
    /// Why this machine cannot.
    pub fn lay(name: &str) -> Result<Self, String> {
        let id = std::process::id() % 60_000;
        let cable = Self {
            relay: format!("schat-{name}-r{id}"),
            client: format!("schat-{name}-c{id}"),
            address: "10.213.7.1".to_owned(),
        };
        let (relay, client) = (&cable.relay, &cable.client);
        // Left over from a run that was killed, under the same number.
        for namespace in [relay, client] {
            let _ = ip(&format!("netns del {namespace}"));
        }
        for command in [
            format!("netns add {relay}"),
            format!("netns add {client}"),
            format!("-n {relay} link add cable type veth peer name cable netns {client}"),
            format!("-n {relay} addr add 10.213.7.1/24 dev cable"),
            format!("-n {client} addr add 10.213.7.2/24 dev cable"),
            format!("-n {relay} link set cable up"),
            format!("-n {client} link set cable up"),
            format!("-n {relay} link set lo up"),
            format!("-n {client} link set lo up"),
            // So that a rule can come before what is delivered here.
            format!("-n {relay} rule add pref 10 lookup local"),
            format!("-n {relay} rule del pref 0"),
            format!("-n {client} rule add pref 10 lookup local"),
            format!("-n {client} rule del pref 0"),
        ] {
            ip(&command)?;
        }
        Ok(cable)
    }

    /// From now on UDP arrives, or is swallowed without a word, both ways.
    pub fn set_udp(&self, works: bool) {
        let what = if works { "del pref 1" } else { "add pref 1 iif cable ipproto udp blackhole" };
        for namespace in [&self.relay, &self.client] {
            ip(&format!("-n {namespace} rule {what}")).unwrap();
        }
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for namespace in [&self.relay, &self.client] {
            // Half of it may never have been there.
            let _ = ip(&format!("netns del {namespace}"));
        }
    }
}

/// The same command in a namespace. Its process is the command's own.
pub fn inside(namespace: &str, command: &Command) -> Command {
    let mut outer = Command::new("ip");
    outer.args(["netns", "exec", namespace]).arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(variable, value),
            None => outer.env_remove(variable),
        };
    }
    outer
}

fn ip(arguments: &str) -> Result<(), String> {
    let run = Command::new("ip").args(arguments.split(' ')).stdin(Stdio::null()).output();
    match run {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("ip (iproute2) cannot be run: {error}")),
    }
}
