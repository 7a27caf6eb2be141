// The library's one entry.

export { SwarrError, type ErrorCode } from "./base/errors.ts";
