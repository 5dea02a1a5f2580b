/** The types of the tasks that do nothing. */
export const noOpTypes = ["ONE", "TWO", "THREE"];
