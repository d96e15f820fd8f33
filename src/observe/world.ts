// What a source is opened in.

/** `root`: absolute folder that paths are relative to; `env`: where secrets are looked up by name. */
export type World = { root: string; env: Readonly<Record<string, string | undefined>> }
