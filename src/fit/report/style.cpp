// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/report/markup.h"

namespace polytask::fit::detail {

// s0 is the training, s1 the first validation set.
const char* const kReportStyle = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1c2430;
--soft:#5b6675;--line:#dfe3e9;--good:#0a7a43;--bad:#b3261e;
--s0:#2563eb;--s1:#c2570c;--s2:#0a8f5b;--s3:#8b3fd1;--s4:#c81e4a;--s5:#0a7f98;
--s6:#8a6d00;--s7:#4b5563;--s8:#7a9a01;--s9:#d0409a;--s10:#3f6f8f;--s11:#8d5a3b}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b2129;
--text:#e4e8ee;--soft:#9aa6b5;--line:#303945;--good:#4cc98a;--bad:#ff8a80;
--s0:#6ea8fe;--s1:#f59e4c;--s2:#43cf95;--s3:#c08bff;--s4:#ff7b9c;--s5:#4cc7de;
--s6:#d9b93b;--s7:#a8b3c2;--s8:#b5d334;--s9:#ff8fd0;--s10:#8fbfdf;
--s11:#cf9f80}}
*{box-sizing:border-box}
body{margin:0 auto;padding:20px 16px 48px;max-width:1240px;
background:var(--page);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:26px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:34px 0 10px}
h3{font-size:15px;margin:0 0 6px;overflow-wrap:anywhere}
p{margin:0 0 10px}.soft{color:var(--soft)}
a{color:var(--s0)}nav{margin:10px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));
gap:10px;margin:16px 0 0}
.tile,.card{background:var(--card);border:1px solid var(--line);
border-radius:8px;padding:10px 12px;min-width:0}
.tile b{display:block;font-size:20px;line-height:1.3;overflow-wrap:anywhere}
.tile span{color:var(--soft);font-size:13px}
dl{display:grid;grid-template-columns:minmax(110px,240px) 1fr;margin:0;
gap:4px 16px}dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);
border-radius:8px;margin:0 0 12px}
.tall{max-height:640px;overflow-y:auto}
.tall thead th{position:sticky;top:0;background:var(--card);
box-shadow:0 1px var(--line)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;
font-size:14px}
caption{text-align:left;padding:10px 12px 4px;font-weight:600}
th,td{padding:5px 12px;text-align:left;white-space:nowrap;
border-top:1px solid var(--line)}thead th{border-top:0;color:var(--soft);
font-weight:600}tbody th{font-weight:500;max-width:min(300px,42vw);
overflow:hidden;
text-overflow:ellipsis}.n{text-align:right}
.good{color:var(--good)}.bad{color:var(--bad)}
small{color:var(--soft);font-size:12px}
.key{display:flex;flex-wrap:wrap;gap:2px 16px;margin:0 0 10px;font-size:14px;
list-style:none;padding:0}
.key i{display:inline-block;width:18px;height:0;border-top:3px solid;
margin-right:6px;vertical-align:middle}
.task{margin:0 0 12px}
.charts{display:grid;gap:10px 18px;
grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr))}
figure{margin:0;min-width:0}figcaption{font-size:13px;color:var(--soft);
overflow-wrap:anywhere}
svg{display:block;width:100%;height:auto;overflow:visible}
.wide{max-width:460px}
svg text{font-size:11px;fill:var(--soft)}
.e{text-anchor:end}.m{text-anchor:middle}
.g{stroke:var(--line);fill:none}
.l{fill:none;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
.d{stroke-width:5;stroke-linecap:round}
.h{fill:var(--text);fill-opacity:0}.h:hover{fill-opacity:.09}
.b{fill:var(--card);stroke-width:2}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}
.s3{stroke:var(--s3)}.s4{stroke:var(--s4)}.s5{stroke:var(--s5)}
.s6{stroke:var(--s6)}.s7{stroke:var(--s7)}.s8{stroke:var(--s8)}
.s9{stroke:var(--s9)}.s10{stroke:var(--s10)}.s11{stroke:var(--s11)}
.map text{fill:var(--text)}.map .w{fill:#fff}
.neg{fill:#d03030}.pos{fill:#2f6fe0}.map path.neg{stroke:#d03030}
.map path.pos{stroke:#2f6fe0}.map path{fill:none}
@media(max-width:600px){dl{grid-template-columns:1fr}dd{margin:0 0 8px}
th,td{padding:5px 9px}}
@media print{.tall{max-height:none}.task{break-inside:avoid}}
)css";

} // namespace polytask::fit::detail
