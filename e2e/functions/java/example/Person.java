// A bean with something of everything that JSON is bound to.
package example;

import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;

public class Person {
  public enum Mood {
    FINE,
    SO_SO
  }

  public record Place(String town, int number) {}

  public static class Box<T> {
    private T content;

    public T getContent() {
      return content;
    }

    public void setContent(T content) {
      this.content = content;
    }
  }

  private String name;
  private int age;
  private boolean member;
  private Mood mood;
  private Date since;
  private List<Box<Place>> places;
  private Map<String, Set<Long>> scores;
  private byte[] picture;
  private Person boss;
  private String secret = "kept";
  public double[] weights;
  private String URL;

  public String getName() {
    return name;
  }

  public void setName(String name) {
    this.name = name;
  }

  public int getAge() {
    return age;
  }

  public void setAge(int age) {
    this.age = age;
  }

  public boolean isMember() {
    return member;
  }

  public void setMember(boolean member) {
    this.member = member;
  }

  public Mood getMood() {
    return mood;
  }

  public void setMood(Mood mood) {
    this.mood = mood;
  }

  public Date getSince() {
    return since;
  }

  public void setSince(Date since) {
    this.since = since;
  }

  public List<Box<Place>> getPlaces() {
    return places;
  }

  public void setPlaces(List<Box<Place>> places) {
    this.places = places;
  }

  public Map<String, Set<Long>> getScores() {
    return scores;
  }

  public void setScores(Map<String, Set<Long>> scores) {
    this.scores = scores;
  }

  public byte[] getPicture() {
    return picture;
  }

  public void setPicture(byte[] picture) {
    this.picture = picture;
  }

  public Person getBoss() {
    return boss;
  }

  public void setBoss(Person boss) {
    this.boss = boss;
  }

  public String getURL() {
    return URL;
  }

  public void setURL(String URL) {
    this.URL = URL;
  }
}
