import{a,b}from"./chunks/chunk-7RFG6HR3.js";import"./chunks/chunk-AOO4VPHS.js";import"./chunks/chunk-NYGQGUEA.js";export{a as FreshetPlayer,b as FreshetPlayerElement};
