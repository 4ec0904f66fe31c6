function m(t,n={},...r){let e=document.createElement(t);for(let[a,o]of Object.entries(n))e.setAttribute(a,o);return e.append(...r),e}export{m as a};
