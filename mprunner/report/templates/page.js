(()=>{
"use strict";
const root=document.documentElement,all=(selector,within=document)=>[...within.querySelectorAll(selector)];
const make=(tag,properties={},...children)=>{const element=Object.assign(document.createElement(tag),properties);element.append(...children);return element;};
const save=(name,parts,type)=>{const link=make("a",{href:URL.createObjectURL(new Blob(parts,{type})),download:name});document.body.append(link);link.click();link.remove();setTimeout(()=>URL.revokeObjectURL(link.href),1e4);};
const quoted=value=>{const text=value===null||value===undefined?"":String(value);return /[",\n\r]/.test(text)?`"${text.replaceAll('"','""')}"`:text;};
const csv=rows=>rows.map(row=>row.map(quoted).join(",")).join("\r\n")+"\r\n";

// Light, dark, or as the system has it.
const themes=["","light","dark"],names={"":"Theme: system",light:"Theme: light",dark:"Theme: dark"};
const stored={get(){try{return localStorage.getItem("mprunner-theme")||"";}catch{return "";}},set(value){try{localStorage.setItem("mprunner-theme",value);}catch{/* a page of a disk may have no store */}}};
const button=make("button",{type:"button",className:"theme"});
const dress=theme=>{if(theme)root.dataset.theme=theme;else delete root.dataset.theme;button.textContent=names[theme]??names[""];};
button.addEventListener("click",()=>{const next=themes[(themes.indexOf(root.dataset.theme||"")+1)%themes.length];dress(next);stored.set(next);});
dress(themes.includes(stored.get())?stored.get():"");
document.querySelector("nav")?.append(button);

// Tables: sorted by a click on a heading, and to be downloaded as they are shown.
const raw=cell=>cell.dataset.value??cell.querySelector("details p")?.textContent??cell.textContent.trim();
const compare=(one,other)=>{
  if(one===""||other==="")return (one==="")-(other==="");
  const a=Number(one),b=Number(other);
  return Number.isNaN(a)||Number.isNaN(b)?one.localeCompare(other,undefined,{numeric:true}):a-b;
};
for(const table of all("table[data-download]")){
  const heads=all("thead th",table),body=table.tBodies[0];
  heads.forEach((head,place)=>{
    const label=head.textContent.trim(),sort=make("button",{type:"button",title:"Sort by this column"},label);
    head.replaceChildren(sort);
    sort.addEventListener("click",()=>{
      const direction=head.getAttribute("aria-sort")==="ascending"?-1:1;
      heads.forEach(other=>other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort",direction===1?"ascending":"descending");
      const rows=all(":scope>tr",body).map(row=>[raw(row.cells[place]),row]);
      rows.sort(([a],[b])=>(a===""||b==="")?compare(a,b):direction*compare(a,b));
      body.append(...rows.map(([,row])=>row));
    });
  });
  const save_as=make("button",{type:"button"},"Download as CSV");
  save_as.addEventListener("click",()=>save(`${table.dataset.name}.csv`,[csv([heads.map(head=>head.textContent),...all(":scope>tr",body).map(row=>[...row.cells].map(raw))])],"text/csv"));
  (table.closest(".scroll")||table).after(make("div",{className:"tools"},save_as));
}

// Charts: what they show to be downloaded; made interactive when they come into view.
const data_of=spec=>{
  const sets=Object.values(spec.datasets||{});
  if(spec.data?.values)sets.push(spec.data.values);
  return sets.filter(Array.isArray).sort((a,b)=>b.length-a.length)[0]||[];
};
let vega;
const unpacked=async()=>{
  const bytes=Uint8Array.from(atob(document.getElementById("vega").textContent),each=>each.charCodeAt(0));
  const code=await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  (0,eval)(`(()=>{${code}})()`);
};
const enliven=async(figure,{$schema,...spec})=>{
  const chart=figure.querySelector(".chart"),stage=make("div");
  if(!chart)return;
  try{
    await (vega??=unpacked());
    const dark=getComputedStyle(root).colorScheme==="dark";
    await window.vegaEmbed(stage,spec,{mode:"vega-lite",actions:false,renderer:"svg",tooltip:{theme:dark?"dark":"light"}});
    const picture=stage.querySelector("svg");
    picture.style.setProperty("--natural",`${picture.getAttribute("width")}px`);
    chart.replaceChildren(stage);
    figure.dataset.live="yes";
  }catch(error){
    figure.dataset.live="no"; // the picture stays
    console.warn(error);
  }
};
const watcher="IntersectionObserver" in window?new IntersectionObserver(entries=>{for(const entry of entries)if(entry.isIntersecting){watcher.unobserve(entry.target);enliven(entry.target,entry.target.spec);}},{rootMargin:"200px"}):null;
for(const figure of all(".figure")){
  const script=figure.querySelector("script.spec"),tools=make("div",{className:"tools"}),title=figure.id;
  if(script){
    figure.spec=JSON.parse(script.textContent);
    const rows=data_of(figure.spec),columns=[...new Set(rows.flatMap(row=>Object.keys(row)))];
    if(rows.length){
      const save_data=make("button",{type:"button"},"Data as CSV");
      save_data.addEventListener("click",()=>save(`${title}.csv`,[csv([columns,...rows.map(row=>columns.map(name=>row[name]))])],"text/csv"));
      tools.append(save_data);
    }
    watcher?.observe(figure);
  }
  if(figure.querySelector("svg")){
    const save_picture=make("button",{type:"button"},"Picture as SVG");
    save_picture.addEventListener("click",()=>save(`${title}.svg`,[new XMLSerializer().serializeToString(figure.querySelector("svg"))],"image/svg+xml"));
    tools.append(save_picture);
  }
  if(tools.childElementCount)figure.append(tools);
}

// The trial whose actors are shown.
const trials=all("#timeline .figure");
if(trials.length>1){
  const choice=make("select",{id:"trial"},...trials.map(figure=>make("option",{value:figure.id},figure.dataset.title)));
  const show=()=>trials.forEach(figure=>{figure.hidden=figure.id!==choice.value;});
  choice.addEventListener("change",show);
  trials[0].before(make("p",{className:"chooser"},make("label",{htmlFor:"trial"},"Show"),choice));
  show();
}
})();
