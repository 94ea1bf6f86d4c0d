// Rows of a table of claims by paper, verdict and whether data sets disagree; without it all rows stand.
for (const box of document.querySelectorAll(".filtered")) {
  const rows = [...box.querySelectorAll("tr[data-paper]")], of = (name) => box.querySelector(`[data-filter=${name}]`);
  const show = () => {
    const [paper, verdict, disagree] = [of("paper").value, of("verdict").value, of("disagree").checked];
    for (const row of rows)
      row.hidden = (paper && row.dataset.paper != paper) || (verdict && !row.dataset.verdict.includes(verdict + ";"))
        || (disagree && row.dataset.disagree != "yes");
    box.querySelector(".left").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  box.querySelector(".filters").hidden = false;
  box.addEventListener("change", show);
  show();
}
