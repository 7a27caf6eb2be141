// Two answers compared: for every rule a pair that is equal and a near one that is not.

import { describe, expect, it } from "vitest";
import { sameText } from "./compare-text.ts";
import { Steps } from "./evaluate.ts";
import { Refused } from "./rational.ts";

const same = (gold: string, given: string): boolean => sameText(gold, given, new Steps());

/** [rule, gold, equal, not equal] */
const RULES: readonly (readonly [string, string, string, string])[] = [
  ["values are exact", "\\frac{1}{12}", "\\frac{7}{84}", "\\frac{7}{85}"],
  ["a mixed number adds", "\\frac{14}{3}", "4\\frac{2}{3}", "4\\cdot\\frac{2}{3}"],
  ["digits may be grouped", "10080", "10{,}080", "10, 080"],
  ["surds are compared by value", "6\\sqrt{3}", "\\sqrt{108}", "\\sqrt{109}"],
  ["fifty equal digits are not enough", "\\sqrt{2}", "\\frac{2}{\\sqrt{2}}", "\\sqrt{2}+10^{-50}"],
  ["an identity holds everywhere", "\\tan^2(y)+1", "\\sec^2(y)", "\\sec^2(y)+10^{-20}"],
  ["a square root of a square is a size", "|x|", "\\sqrt{x^2}", "x"],
  [
    "a root of a quotient may be parted",
    "\\sqrt{\\frac{a}{b}}",
    "\\frac{\\sqrt{a}}{\\sqrt{b}}",
    "\\frac{\\sqrt{b}}{\\sqrt{a}}",
  ],
  ["a root binds before a power", "x", "\\sqrt{x}^2", "\\sqrt{x^2}"],
  ["letters are unknowns of their own", "f(x)", "f(x)", "f(y)"],
  ["a subscript is part of a name", "x_1^2", "x_1x_1", "x_1x_2"],
  ["the variable of a function does not matter", "f(x)=2x", "f(t)=2t", "f(t)=3t"],
  ["a list has no order", "1,-2", "\\{-2, 1\\}", "1,-2,3"],
  ["a tuple has one", "(1,2)", "1,2", "(2,1)"],
  ["values go with their names", "x=2,y=3", "(2,3)", "(3,2)"],
  ["letters name places in their order", "(1,2)", "x=1,y=2", "y=1,x=2"],
  ["a set of nothing is not a set of the empty set", "\\emptyset", "\\{\\}", "\\{\\emptyset\\}"],
  ["brackets close or do not", "[0,1)", "0 \\le x < 1", "[0,1]"],
  ["a solved answer is not its equation", "x=5", "5=x", "2x+3=13"],
  ["a solved inequality is not its question", "x>2", "2<x", "2x>4"],
  ["an inequality may be turned round", "x \\le 1", "-x \\ge -1", "-x \\le -1"],
  ["or joins intervals", "(-\\infty,2)\\cup(3,\\infty)", "x<2 \\text{ or } x>3", "2<x<3"],
  ["an equation may be multiplied", "2x+4y-3=0", "y=-\\frac12x+\\frac34", "y=-\\frac12x+\\frac32"],
  ["an equation is not its right-hand side", "2x+z=1", "4x+2z=2", "1"],
  ["a name on the left may go", "x=11", "11", "y=11"],
  ["a chain of constants must hold", "5", "2+3=5", "2+2=5"],
  ["a chain of constants must hold throughout", "5", "10/2=4+1=5", "1=2=3=4=5"],
  ["a false equation answers no name either", "x=5", "2+3=5", "4=5"],
  ["in a list every chain must hold", "2,3", "1+1=2,x=3", "1=2,x=3"],
  ["a chain may end in a short rounding", "0.67", "2/3=0.67", "2/3=0.65=0.67"],
  ["units are not converted in a chain", "120", "2\\text{ hours}=120\\text{ minutes}", "2=120\\text{ minutes}"],
  ["behind a name the last side counts", "x=11", "x=5+5+1=7=11", "x=11=7"],
  ["plus-minus is two values", "1\\pm\\sqrt{19}", "1-\\sqrt{19},1+\\sqrt{19}", "1+\\sqrt{19}"],
  [
    "matrices agree entry by entry",
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
    "\\begin{bmatrix}1&2\\\\3&\\frac82\\end{bmatrix}",
    "\\begin{pmatrix}3&4\\\\1&2\\end{pmatrix}",
  ],
  ["a base is part of the number", "204_5", "204_{5}", "204_6"],
  ["a percentage is its number and its hundredth", "28\\%", "0.28", "2800"],
  ["a unit may be left out but not changed", "10\\text{ cm}", "10", "10\\text{ km}"],
  ["a power is part of a unit", "25\\text{ cm}^2", "25 sq. cm", "25\\text{ cm}"],
  ["a unit has the power that is written", "25\\text{ cm}", "25 centimeters", "25\\text{ cm}^2"],
  ["sq. and cu. belong to a unit", "25", "25 cu. ft", "25 cu. + 1"],
  ["both units of a rate count", "60\\text{ km/h}", "60 kilometers per hour", "60\\text{ km/s}"],
  ["a rate is no distance", "60\\text{ mph}", "60\\text{ miles/hour}", "60\\text{ miles}"],
  ["a unit ends with its words", "10\\text{ dollars}", "10 dollars in total", "10 cents in total"],
  ["degrees may be left out", "90^\\circ", "90", "91"],
  ["words agree in letters", "\\text{even}", "Even", "not even"],
  ["a short word is a word", "yes", "Yes", "no"],
  ["a short word is no product", "act", "ACT", "cat"],
  ["letters are a product", "ab", "ba", "ac"],
  ["capitals alone have an order", "ABC", "\\text{ABC}", "CAB"],
  ["capitals in a formula are a product", "2AB", "2BA", "2AC"],
  ["a name has an order", "Sam", "\\text{Sam}", "Mas"],
  ["the points of an angle have an order", "\\angle ABC", "\\angle {ABC}", "\\angle ACB"],
  ["a vector has a direction", "\\vec{AB}+\\vec{CD}", "\\vec{CD}+\\vec{AB}", "\\vec{BA}+\\vec{CD}"],
  ["a letter is a choice", "\\text{(B)}", "B", "\\text{A or B}"],
  ["a time of day is not a ratio", "12:00", "12:00", "1:00"],
  ["morning is not afternoon", "12:30\\text{ p.m.}", "12:30 PM", "12:30\\text{ a.m.}"],
  ["choose is a binomial", "{n\\choose 2}", "\\frac{n(n-1)}{2}", "{2\\choose n}"],
  ["a choice may be spaced from its text", "C", "\\text{(C)}\\ 42", "\\text{(B)}\\ 42"],
  ["a ratio is", "7:3", "14:6", "3:7"],
  ["complex numbers have two parts", "6-5i", "-5i+6", "6+5i"],
  ["a finite sum is worked out", "385", "\\sum_{k=1}^{10}k^2", "\\sum_{k=1}^{9}k^2"],
  ["a repeating decimal is a fraction", "\\frac{1}{3}", "0.\\overline{3}", "0.3"],
  ["look-alikes are repaired where they mean the same", "2\\sqrt{3}", "２√3", "2√З"],
];

describe("sameText", () => {
  for (const [rule, gold, equal, unequal] of RULES) {
    it(`holds that ${rule}`, () => {
      expect([gold, equal, same(gold, equal)]).toEqual([gold, equal, true]);
      expect([gold, unequal, same(gold, unequal)]).toEqual([gold, unequal, false]);
    });
  }

  it("refuses towers, factorials and deep nests instead of computing them", () => {
    for (const monster of ["9^{9^{9^{9}}}", "10^{-10^{10}}", "((99!)!)!", "100000!", "\\binom{10^9}{5 \\cdot 10^8}"]) {
      expect(() => same("5", monster), monster).toThrow(Refused);
    }
    expect(() => same("5", `${"(".repeat(200)}5${")".repeat(200)}`)).toThrow(Refused);
  });

  it("finds nothing equal to what has no value", () => {
    expect(same("1", "\\frac{0}{0}")).toBe(false);
    expect(same("0", "\\frac{0}{0}")).toBe(false);
    expect(same("5", "")).toBe(false);
  });

  it("reads nothing that is cut off at an operator, unless the operator joined a unit", () => {
    for (const cut of ["7-", "7/", "7*", "7+", "7=", "7\\cdot", "7\\approx"]) expect(same("7", cut), cut).toBe(false);
    for (const whole of ["=7", "7**", "7/\\text{hour}", "7-inch"]) expect(same("7", whole), whole).toBe(true);
  });

  it("never reads two numbers side by side as one, nor as a product", () => {
    for (const gold of ["12", "2", "1", "3"]) expect(same(gold, "1 2")).toBe(false);
  });
});
