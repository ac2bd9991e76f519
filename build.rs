//! One build script for the two crates that own protobuf packages.
//!
//! `proto` compiles `schat.relay.v2`, which the relay may see; `shared` compiles `schat.content.v2`,
//! which only members may see. So the relay cannot even name a plaintext type. `protox` parses the
//! schemas in Rust, so no `protoc` has to be installed.

use std::{env, error::Error, path::Path};

const SECRET_MESSAGES: [&str; 10] = [
    ".schat.content.v2.Invite",
    ".schat.content.v2.Card",
    ".schat.content.v2.File",
    ".schat.content.v2.GroupState",
    ".schat.content.v2.Text",
    ".schat.content.v2.ResyncState",
    ".schat.content.v2.Device",
    ".schat.content.v2.LinkPart",
    ".schat.content.v2.HandOver",
    ".schat.content.v2.Entered",
];

/// `proto::token` prints its name and sizes only.
const MESSAGES_WITH_A_TOKEN: [&str; 1] = [".schat.relay.v2.Create"];

fn main() -> Result<(), Box<dyn Error>> {
    let package = env::var("CARGO_PKG_NAME")?;
    let schema = match package.as_str() {
        "proto" => "relay/v2/relay.proto",
        "shared" => "content/v2/content.proto",
        other => return Err(format!("build.rs has no schema for the crate `{other}`").into()),
    };
    let manifest = env::var("CARGO_MANIFEST_DIR")?;
    let root = Path::new(&manifest).join("..").join("proto");
    println!("cargo:rerun-if-changed={}", root.join(schema).display());
    println!("cargo:rerun-if-changed=../build.rs");
    let descriptors = protox::compile([root.join(schema)], [&root])?;
    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    if package == "shared" {
        // These hold secrets: `shared::secret_debug` prints their names only.
        config.skip_debug(SECRET_MESSAGES);
    } else {
        config.skip_debug(MESSAGES_WITH_A_TOKEN);
    }
    config.compile_fds(descriptors)?;
    Ok(())
}
