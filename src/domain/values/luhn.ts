/** What each digit adds in a doubled place (ISO/IEC 7812-1 Annex B). */
const DOUBLED = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9] as const;
/** Which digit adds that much in a doubled place. */
const HALVED = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9] as const;

/** What a digit adds to the Luhn sum, 0 to 9, when `distance` digits follow it. */
export function luhnEffect(digit: number, distance: number): number {
  return distance % 2 === 0 ? digit : (DOUBLED[digit] ?? 0);
}

/** The digit that adds `effect` (0 to 9): in every place there is exactly one. */
export function luhnDigit(effect: number, distance: number): number {
  return distance % 2 === 0 ? effect : (HALVED[effect] ?? 0);
}

/** The Luhn sum of a text, 0 to 9; 0 for numbers that pass. Characters other than digits add nothing. */
export function luhnSum(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    sum += digit >= 0 && digit <= 9 ? luhnEffect(digit, text.length - 1 - at) : 0;
  }
  return sum % 10;
}
