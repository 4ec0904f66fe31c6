import{a,b}from"./chunks/chunk-U5LNYWMA.js";import"./chunks/chunk-AOO4VPHS.js";import"./chunks/chunk-7D7CYS4N.js";export{a as FreshetPlayer,b as FreshetPlayerElement};
