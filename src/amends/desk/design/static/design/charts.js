"use strict";
// Draws a table as a chart. The table stays: it says the same where nothing is drawn, and to those who hear the page.

const probe = document.createElement("span");
// The theme decides what a token stands for, so an element is asked.
const colour = (token) => { probe.style.color = `var(--${token})`; return getComputedStyle(probe).color; };
const number = (cell) => cell.dataset.value ? Number(cell.dataset.value) : null;
const name = (row) => {
  const time = row.cells[0].querySelector("time");
  const short = { day: "numeric", month: "short", timeZone: "UTC" };
  if (time) return new Date(time.dateTime).toLocaleDateString(document.documentElement.lang, short);
  return row.dataset.name ?? row.cells[0].textContent.trim();
};

const read = (figure) => {
  const table = document.getElementById(figure.dataset.table);
  const rows = [...table.tBodies[0].rows].filter((row) => row.matches(figure.dataset.rows ?? "tr"));
  const series = [...table.tHead.rows[0].cells].flatMap((head, column) => {
    const wanted = (figure.dataset.draw ?? "").split(" ").includes(head.dataset.draw);
    return wanted ? [{ head, cells: rows.map((row) => row.cells[column]) }] : [];
  });
  return { rows, series };
};

const format = (figure) => {
  const language = document.documentElement.lang;
  const { currency, unit } = figure.dataset;
  if (unit) {
    // Minutes are counted, whole hours are shown.
    const words = new Intl.NumberFormat(language, { style: "unit", unit });
    return (value) => value % 60 ? "" : words.format(value / 60);
  }
  if (!currency) return (value) => value.toLocaleString(language);
  const money = new Intl.NumberFormat(language, { style: "currency", currency, notation: "compact" });
  const digits = new Intl.NumberFormat(language, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return (value) => money.format(value / 10 ** digits);
};

const draw = (figure) => {
  const { rows, series } = read(figure);
  const plot = figure.querySelector(".plot");
  const lies = figure.dataset.kind === "rows";
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.querySelector("figcaption").textContent.trim());
  plot.replaceChildren(canvas);
  if (lies) plot.style.height = `${3 + rows.length * 1.75}rem`;
  const amounts = { beginAtZero: true, suggestedMax: figure.dataset.unit ? 60 : 1, border: { display: false }, grid: { color: colour("line") },
    ticks: { color: colour("soft"), maxTicksLimit: 6, precision: 0, callback: format(figure) } };
  const names = { grid: { display: false }, border: { color: colour("line") }, ticks: { color: colour("soft"), autoSkip: !lies, maxRotation: 0 } };
  return new Chart(canvas, {
    type: figure.dataset.kind === "line" ? "line" : "bar",
    data: {
      labels: rows.map(name),
      datasets: series.map(({ head, cells }) => {
        const tones = rows.map((row) => colour(row.dataset.tone || head.dataset.tone || "accent"));
        return { label: head.textContent.trim(), data: cells.map(number), backgroundColor: tones, borderColor: tones[0],
          borderWidth: figure.dataset.kind === "line" ? 2 : 0, borderRadius: 3, maxBarThickness: 28, spanGaps: false, cells };
      }),
    },
    options: {
      animation: false, maintainAspectRatio: false, indexAxis: lies ? "y" : "x", locale: document.documentElement.lang,
      font: { family: getComputedStyle(document.body).fontFamily },
      scales: lies ? { x: amounts, y: names } : { x: names, y: amounts },
      plugins: {
        legend: { display: series.length > 1, labels: { color: colour("ink"), boxWidth: 12 } },
        tooltip: { callbacks: { label: ({ dataset, dataIndex }) => `${dataset.label}: ${dataset.cells[dataIndex].textContent.trim()}` } },
      },
    },
  });
};

let charts = [];
const drawAll = () => {
  for (const chart of charts) chart.destroy();
  charts = [...document.querySelectorAll("figure.chart")].map(draw);
};
document.body.append(probe);
probe.hidden = true;
drawAll();
for (const folded of document.querySelectorAll("details.numbers")) folded.open = false;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:afterSettle", drawAll);
