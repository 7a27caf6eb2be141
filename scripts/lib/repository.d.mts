// Types of what the tests use from repository.mjs.

export declare const ROOT: string;
/** npm's own script, to be started with node. */
export declare function npmCli(): string;
/** Every file below a folder, relative, with forward slashes, sorted. */
export declare function filesBelow(folder: string): string[];
