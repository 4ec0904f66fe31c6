import{a,b}from"./chunks/chunk-M3Q5UBZK.js";import"./chunks/chunk-AOO4VPHS.js";import"./chunks/chunk-NYGQGUEA.js";export{a as FreshetPlayer,b as FreshetPlayerElement};
