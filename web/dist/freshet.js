import{a,b}from"./chunks/chunk-WE5DDCWL.js";import"./chunks/chunk-AOO4VPHS.js";import"./chunks/chunk-NYGQGUEA.js";export{a as FreshetPlayer,b as FreshetPlayerElement};
