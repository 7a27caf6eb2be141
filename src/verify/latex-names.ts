// What LaTeX commands and bare words mean to the reader of answers: operators, relations, functions, layout to drop.

/** One-argument functions, spelt with or without a backslash; value is the evaluator's name. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  sin: "sin",
  cos: "cos",
  tan: "tan",
  cot: "cot",
  sec: "sec",
  csc: "csc",
  cosec: "csc",
  arcsin: "arcsin",
  arccos: "arccos",
  arctan: "arctan",
  arccot: "arccot",
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  tg: "tan",
  ctg: "cot",
  sinh: "sinh",
  cosh: "cosh",
  tanh: "tanh",
  coth: "coth",
  ln: "ln",
  log: "log",
  lg: "log",
  exp: "exp",
  max: "max",
  min: "min",
  gcd: "gcd",
  lcm: "lcm",
};

/** Bare words read as commands where they stand between non-letters: `sqrt(2)`, `2pi`. */
export const BARE_COMMANDS: ReadonlySet<string> = new Set([
  ...Object.keys(FUNCTIONS),
  "sqrt",
  "pi",
  "frac",
  "abs",
  "infty",
]);

export const OPERATORS: Readonly<Record<string, string>> = {
  times: "*",
  cdot: "*",
  ast: "*",
  bullet: "*",
  div: "/",
  pm: "pm",
  mp: "mp",
  cup: "cup",
  bigcup: "cup",
  cap: "cap",
  setminus: "setminus",
  backslash: "setminus",
};

export const RELATIONS: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  leqq: "<=",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  geqq: ">=",
  ne: "!=",
  neq: "!=",
  approx: "~",
  simeq: "~",
  approxeq: "~",
  doteq: "~",
  thickapprox: "~",
  in: "in",
  equiv: "=",
  coloneqq: "=",
  colon: ":",
  mid: "mid",
  vert: "|",
  to: "to",
  rightarrow: "to",
  mapsto: "to",
  implies: "to",
  Rightarrow: "to",
};

export const OPENERS: Readonly<Record<string, string>> = {
  lbrace: "\\{",
  langle: "<",
  lfloor: "floor",
  lceil: "ceil",
  lvert: "abs",
  lVert: "norm",
  lbrack: "[",
  lparen: "(",
};

export const CLOSERS: Readonly<Record<string, string>> = {
  rbrace: "\\}",
  rangle: ">",
  rfloor: "floor",
  rceil: "ceil",
  rvert: "abs",
  rVert: "norm",
  rbrack: "]",
  rparen: ")",
};

/** Size, style and break hints: they change how an answer looks, not what it says. */
export const DROPPED: ReadonlySet<string> = new Set(
  (
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle limits nolimits " +
    "mathbf mathit mathsf mathcal boldsymbol bm pmb bf it rm sf tt underline nonumber notag hfill strut null " +
    "mathstrut hline centering small large Large normalsize bold mathnormal mathopen mathclose mathord mathbin mathrel ensuremath"
  ).split(" "),
);

/** Layout commands dropped together with their one argument. */
export const DROPPED_WITH_ARGUMENT: ReadonlySet<string> = new Set(
  "color textcolor hspace vspace phantom hphantom vphantom label tag tag* hskip mspace".split(" "),
);

export const SPACING: ReadonlySet<string> = new Set([
  "quad",
  "qquad",
  "space",
  "enspace",
  "thinspace",
  "medspace",
  "nobreakspace",
]);

/** Commands whose argument is words. */
export const WORDS: ReadonlySet<string> = new Set(
  "text textbf textit textrm textnormal textsf texttt textup textsc emph mbox hbox mathrm operatorname operatorname* mathop".split(
    " ",
  ),
);

/** Other spellings of commands the expression reader knows. */
export const SAME_AS: Readonly<Record<string, string>> = {
  dfrac: "frac",
  tfrac: "frac",
  cfrac: "frac",
  dbinom: "binom",
  tbinom: "binom",
  varphi: "phi",
  varepsilon: "epsilon",
  vartheta: "theta",
  dots: "ldots",
  cdots: "ldots",
  dotsc: "ldots",
  dotsb: "ldots",
  varnothing: "emptyset",
  infin: "infty",
  inf: "infty",
  Bar: "bar",
};
